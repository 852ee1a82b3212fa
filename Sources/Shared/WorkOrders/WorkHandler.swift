package import FoundationEssentials

/// A work order as a handler sees it: one attempt, leased to this process.
package final class Job: Sendable {
    package let id: UUID
    package let kind: String
    /// The kind whose handler runs it: its own, or in economy mode a cheaper one.
    package let handler: String
    package let title: String
    package let lane: String
    /// From 1.
    package let attempt: Int
    package let maxAttempts: Int
    /// The fencing token: rises with every claim of this work order.
    package let token: Int64
    /// The body as it was published, verbatim JSON.
    package let body: [UInt8]
    /// What was reserved for it.
    package let estimate: MicroUSD
    /// What it may have its handler's model generate; nil where the handler names no model.
    package let allowance: Allowance?
    /// How long this attempt may run.
    package let timeout: Duration
    /// W3C trace context of the publisher, passed on to whatever the handler calls; nil for a text of any other form,
    /// which could be anything.
    package let traceparent: String?
    /// Says why the task was cancelled, if it was.
    package let cancelFlag = CancelFlag()

    package init(
        id: UUID, kind: String, handler: String? = nil, title: String, lane: String, attempt: Int, maxAttempts: Int,
        token: Int64, body: [UInt8], estimate: MicroUSD, allowance: Allowance? = nil, timeout: Duration,
        traceparent: String?
    ) {
        self.id = id
        self.kind = kind
        self.handler = handler ?? kind
        self.title = title
        self.lane = lane
        self.attempt = attempt
        self.maxAttempts = maxAttempts
        self.token = token
        self.body = body
        self.estimate = estimate
        self.allowance = allowance
        self.timeout = timeout
        self.traceparent = traceparent.flatMap { Self.isTraceparent($0) ? $0 : nil }
    }

    /// `^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`
    private static func isTraceparent(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.map(\.count) == [2, 32, 16, 2]
            && parts.allSatisfy { part in
                part.allSatisfy { byte in
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
                }
            }
    }
}

/// Does the work of one kind. Settling, cancelling and retrying belong to the worker runtime: a handler can't forget them.
package protocol WorkHandler: Sendable {
    /// Runs one attempt. It returns, never throws: every way it can end is an ``Outcome``.
    ///
    /// The surrounding task is cancelled when the time-out passes, the lease is lost, the order is cancelled or the
    /// worker stops; the handler then ends soon, at once where ``Job/cancelFlag`` is set, and reports what it used up.
    func run(_ job: Job) async -> Outcome
}
