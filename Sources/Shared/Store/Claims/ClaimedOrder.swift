package import FoundationEssentials
package import WorkOrders

/// An order that may run now: leased to the worker, its hold taken. Whole, whether its message brought it or the database
/// had it already.
package struct ClaimedOrder: Sendable, Equatable {
    package let id: UUID
    /// The fencing token: rises with every claim of this order.
    package let token: Int64
    /// From 1.
    package let attempt: Int
    /// What is reserved for the attempt.
    package let estimate: MicroUSD
    package let kind: String
    /// The kind whose handler runs it: its own, or in economy mode a cheaper one.
    package let handler: String
    package let lane: String
    package let title: String
    /// Nil: the default of its kind.
    package let maxAttempts: Int?
    /// Nil: the default of its kind.
    package let timeoutSeconds: Int?
    /// W3C trace context of the publisher, as it came.
    package let traceparent: String?
    /// As it was published.
    package let body: [UInt8]

    package init(
        id: UUID, token: Int64, attempt: Int, estimate: MicroUSD, kind: String, handler: String, lane: String,
        title: String, maxAttempts: Int?, timeoutSeconds: Int?, traceparent: String?, body: [UInt8]
    ) {
        self.id = id
        self.token = token
        self.attempt = attempt
        self.estimate = estimate
        self.kind = kind
        self.handler = handler
        self.lane = lane
        self.title = title
        self.maxAttempts = maxAttempts
        self.timeoutSeconds = timeoutSeconds
        self.traceparent = traceparent
        self.body = body
    }

    package var key: LeaseKey { LeaseKey(id: id, token: token) }
}
