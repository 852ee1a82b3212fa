package import FoundationEssentials
internal import Postgres
package import WorkOrders

/// What a worker knows when it claims: who it is, how long a lease lasts, which kinds it can run.
package struct ClaimTerms: Sendable {
    package let worker: UUID
    package let lease: Duration
    /// How long an order of a kind that no live worker knows waits before it is dead-lettered.
    package let unknownKindGrace: Duration
    /// The kinds this worker runs.
    package let kinds: [String: KindTerms]
    /// The same as `claim_batch` takes it, made once for all claims of a worker.
    let document: JSONText

    package init(worker: UUID, lease: Duration, unknownKindGrace: Duration, kinds: [String: KindTerms]) {
        self.worker = worker
        self.lease = lease
        self.unknownKindGrace = unknownKindGrace
        self.kinds = kinds
        document = JSONText(
            encoding: TermsDocument(
                worker: worker, leaseMilliseconds: lease.milliseconds,
                graceMilliseconds: unknownKindGrace.milliseconds, kinds: kinds.mapValues(TermsDocument.Kind.init)))
    }

    /// What an attempt of an order costs before it is run.
    package enum Price: Sendable, Equatable {
        case known(MicroUSD)
        /// Nobody knows it: neither the order nor its kind names one.
        case unknown
        /// The order's kind is another worker's, and so is its price.
        case elsewhere
    }

    /// The one place where the price of an order that comes is decided: its own estimate, else that of its kind.
    ///
    /// - Parameter bytes: of its body.
    package func price(of message: WorkOrderMessage, bytes: Int) -> Price {
        if let estimate = message.estimate { return .known(estimate) }
        guard let kind = kinds[message.kind] else { return .elsewhere }
        return kind.price(bytes: bytes).map { .known($0) } ?? .unknown
    }
}

/// One delivery of a batch to claim. The ids of a batch are distinct.
///
/// A class, for the same reason as a delivery: many fields, many hands.
package final class ClaimItem: Sendable {
    package let form: WorkOrderMessage.Form
    /// The message as it was published; empty for one that is registered already.
    package let body: [UInt8]
    package let appID: String?
    package let replyTo: String?
    package let correlationID: String?
    package let traceparent: String?
    /// All properties as they came, encoded as AMQP has them, should it become a dead letter.
    package let properties: [UInt8]

    package init(
        form: WorkOrderMessage.Form, body: [UInt8], appID: String? = nil, replyTo: String? = nil,
        correlationID: String? = nil, traceparent: String? = nil, properties: [UInt8] = [0, 0]
    ) {
        self.form = form
        self.body = body
        self.appID = appID
        self.replyTo = replyTo
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.properties = properties
    }

    /// How many orders it names that it depends on.
    var dependencies: Int {
        switch form {
        case .order(let message): message.dependsOn.count
        case .registered: 0
        }
    }

    package var id: UUID {
        switch form {
        case .order(let message): message.id
        case .registered(let id): id
        }
    }
}
