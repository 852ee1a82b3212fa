package import FoundationEssentials

/// A decoded work order as it came over the wire. The body itself is kept verbatim beside it; these are the fields
/// Moose acts on. Unknown fields are the publisher's and stay in the body.
package struct WorkOrderMessage: Sendable, Equatable {
    /// The idempotency key.
    package var id: UUID
    /// Which handler runs it.
    package var kind: String
    package var title: String
    package var lane: String
    package var project: String?
    package var agent: String?
    /// What the publisher thinks it will cost; nil takes the kind's default.
    package var estimate: MicroUSD?
    /// Nil takes the kind's default.
    package var maxAttempts: Int?
    /// How long one attempt may run; nil takes the kind's default.
    package var timeoutSeconds: Int?
    /// From 0 to 9: of what waits in a lane, the highest goes first. Nil: as the message's property says, else 0.
    package var priority: Int?
    /// Not before this time; nil is at once.
    package var runAt: Date?
    /// All of these must be `completed` first.
    package var dependsOn: [UUID]
    /// Of orders with the same one only so many run at once, over all workers; nil: no such limit.
    package var concurrencyKey: String?
    /// While an order with this key has not ended, a second one is cancelled; nil: no such thing.
    package var uniqueKey: String?
    /// So long an order keeps its unique key after it has completed; nil: not at all.
    package var uniqueSeconds: Int?
    package var complexity: Double?
    package var riskLevel: RiskLevel?
}
