package import WorkOrders

/// What happens to a hold after its grant.
package enum HoldMove: Sendable, Hashable {
    /// The work starts: from here on, a silence means that the money is spent.
    case dispatch
    /// The work ended at this cost; nil: nobody knows, so the estimate is presumed spent.
    case settle(actual: MicroUSD?)
    /// The work never started: the money comes back.
    case cancel

    /// Its word in SQL.
    var word: String {
        switch self {
        case .dispatch: "dispatch"
        case .settle: "settle"
        case .cancel: "cancel"
        }
    }

    var actual: MicroUSD? { if case .settle(let actual) = self { actual } else { nil } }
}
