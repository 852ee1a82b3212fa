package import FoundationEssentials
package import WorkOrders

/// A message on its way into `dead_letters`.
package struct DeadLetter: Sendable {
    package var reason: DeadLetterReason
    /// In words, for whoever inspects it.
    package var explanation: String
    package var workOrderID: UUID?
    /// What its body says, where it can be read.
    package var kind: String?
    package var lane: String?
    /// Where it was published to.
    package var exchange: String
    package var routingKey: String
    package var body: [UInt8]
    /// The message's properties and headers as a JSON object; equal ones have equal texts.
    package var headers: String
    /// The broker delivered it before: then it may be written already.
    package var isRedelivered: Bool
    /// How often a quorum queue has had it back.
    package var deliveries: Int32 = 0
    /// The queue that gave it up; nil: no queue took it, or a worker refused it.
    package var queue: String?
    /// How often the broker dead-lettered it, and when last.
    package var deaths: Int64?
    package var diedAt: Date?
    /// The letter it is a redrive of, and which one, from 1.
    package var redriveOf: UUID?
    package var redriveNumber: Int32?

    package init(
        reason: DeadLetterReason, explanation: String, workOrderID: UUID?, exchange: String, routingKey: String,
        body: [UInt8], headers: String, isRedelivered: Bool
    ) {
        self.reason = reason
        self.explanation = explanation
        self.workOrderID = workOrderID
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.headers = headers
        self.isRedelivered = isRedelivered
    }

    /// It is written once more, because it is not known whether it was: counts as one more delivery of the same message.
    package mutating func comesAgain() {
        deliveries = isRedelivered ? max(1, deliveries) + 1 : 1
        isRedelivered = true
    }
}
