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
    /// Only the beginning of one that was over the limit.
    package var body: [UInt8]
    /// Properties and headers as a JSON object, for reading.
    package var headers: String
    /// The same exactly as they came; nil where the message is gone.
    package var properties: [UInt8]?
    /// Tells the message from all others; nil: of body and ``headers``.
    package var digest: [UInt8]?
    /// Of a body that was cut: its size in bytes, and its SHA-256.
    package var cutSize: Int64?
    package var cutDigest: [UInt8]?
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
    /// What only who redrove it knew of that redrive; without it the message is none.
    package var redriveSeal: [UInt8]?

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

    /// About what it takes in a statement.
    var size: Int { body.count + headers.utf8.count + (properties?.count ?? 0) + explanation.utf8.count }

    /// It is written once more, because it is not known whether it was: counts as one more delivery of the same message.
    package mutating func comesAgain() {
        deliveries = isRedelivered ? max(1, deliveries) + 1 : 1
        isRedelivered = true
    }
}
