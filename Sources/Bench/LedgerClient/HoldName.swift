package import FoundationEssentials

/// Names one hold, for ever: asking again by the same name finds the same hold.
package struct HoldName: Sendable, Hashable, CustomStringConvertible {
    /// The work order, or the reservation of a service that has none.
    package var owner: UUID
    /// The fencing token of the attempt; 0 for reservations.
    package var token: Int64
    /// Tells the holds of one attempt apart. Default 0.
    package var number: Int16

    package init(owner: UUID, token: Int64, number: Int16 = 0) {
        self.owner = owner
        self.token = token
        self.number = number
    }

    package var description: String { "\(owner.uuidString.lowercased())/\(token)/\(number)" }
}
