/// What the ledger says to a request for money.
package enum HoldAnswer: Sendable, Hashable {
    /// Why there is no money. The raw values are the words of the schema.
    package enum Refusal: String, Sendable, Hashable {
        /// More than a whole cap: no waiting helps.
        case neverFits = "never_fits"
        /// A person has frozen one of the scopes.
        case frozen
        /// Posted money leaves no room: wait for the next window or a raise.
        case spent
        /// Only held money stands in the way: try again shortly.
        case heldRetry = "held_retry"
    }

    /// The work may start.
    case granted(HoldGrant)
    /// Nothing was taken. The same name may be asked again.
    case refused(Refusal)
    /// The name was granted before and its hold has ended like this. It covers no more work: take another number.
    case closed(HoldState)
}
