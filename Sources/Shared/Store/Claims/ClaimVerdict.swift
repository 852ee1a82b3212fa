/// What a claim decided about one delivery. In every case the delivery is acknowledged once the claim has committed.
package enum ClaimVerdict: Sendable, Equatable {
    /// Leased to this worker, its hold taken.
    case run(ClaimedOrder)
    /// Leased by a live worker, settled, or another order holds its unique key: dropped and counted.
    case duplicate
    /// Not due, blocked by a dependency, or held back by a paused lane, a limit or a full key, or no slot: it is taken when it
    /// is time.
    case later
    /// This worker doesn't know the kind: it is registered for others.
    case unknownKind
    /// The budget refused it; the reason is `never_fits`, `frozen`, `spent` or `held_retry`.
    case overBudget(reason: String)
    /// Dead-lettered by the claim, with its error event.
    case invalid(reason: String)

    /// Dead-lettered because its id is another order's, or no order has it.
    package var isRefusedForItsID: Bool {
        guard case .invalid(let reason) = self else { return false }
        return reason == "id_reused" || reason == "unknown_work_order"
    }

    /// The value of the `verdict` label in metrics.
    package var label: String {
        switch self {
        case .run: "run"
        case .duplicate: "duplicate"
        case .later: "later"
        case .unknownKind: "unknown_kind"
        case .overBudget: "over_budget"
        case .invalid: "invalid"
        }
    }
}
