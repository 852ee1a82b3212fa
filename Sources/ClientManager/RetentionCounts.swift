internal import Store

/// How many rows were deleted, or would be.
package struct RetentionCounts: Sendable, Equatable {
    package var orders = 0
    package var attempts = 0
    package var events = 0
    package var letters = 0
    package var ids = 0
    package var escalations = 0
    package var webhooks = 0
    package var audit = 0
    package var holds = 0
    package var ledger = 0

    package init() {}

    /// In their order, by the names that `--json` and the audit log use.
    package var named: [(name: String, count: Int)] {
        [
            ("work_orders", orders), ("attempts", attempts), ("events", events), ("dead_letters", letters),
            ("ids", ids), ("escalations", escalations), ("webhooks", webhooks), ("audit_entries", audit),
            ("holds", holds), ("ledger_entries", ledger),
        ]
    }

    /// As a JSON object.
    package var json: String { "{\(named.map { "\"\($0.name)\": \($0.count)" }.joined(separator: ", "))}" }

    /// Without what was counted before.
    package func since(_ earlier: RetentionCounts) -> RetentionCounts {
        var counts = self
        counts.orders -= earlier.orders
        counts.attempts -= earlier.attempts
        counts.events -= earlier.events
        counts.letters -= earlier.letters
        counts.ids -= earlier.ids
        counts.escalations -= earlier.escalations
        counts.webhooks -= earlier.webhooks
        counts.audit -= earlier.audit
        counts.holds -= earlier.holds
        counts.ledger -= earlier.ledger
        return counts
    }

    mutating func add(_ step: PruneStep, of part: RetentionPart) {
        attempts += step.attempts
        events += step.events
        letters += step.letters
        switch part {
        case .orders: orders += step.deleted
        case .ids: ids += step.deleted
        case .letters: letters += step.deleted
        case .escalations: escalations += step.deleted
        case .webhooks: webhooks += step.deleted
        case .audit: audit += step.deleted
        case .holds: holds += step.deleted
        case .ledger: ledger += step.deleted
        }
    }
}
