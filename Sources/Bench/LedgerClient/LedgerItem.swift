/// One line of a batch.
package enum LedgerItem: Sendable, Hashable {
    case reserve(HoldRequest)
    case move(HoldName, HoldMove)

    package var name: HoldName {
        switch self {
        case .reserve(let request): request.name
        case .move(let name, _): name
        }
    }

    var isReservation: Bool { if case .reserve = self { true } else { false } }
}
