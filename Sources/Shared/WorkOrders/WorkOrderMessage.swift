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
    /// Not before this time; nil is at once.
    package var runAt: Date?
    /// All of these must be `completed` first.
    package var dependsOn: [UUID]
    package var complexity: Double?
    package var riskLevel: RiskLevel?
}
