package import Store
package import WorkOrders

/// Which kinds this worker runs, and how.
package struct HandlerRegistry: Sendable {
    /// A handler with the defaults of its kind. A class, as each job looks at it several times.
    package final class Entry: Sendable {
        package let handler: any WorkHandler
        /// How long one attempt may run; nil takes the worker's default.
        package let timeout: Duration?
        /// Reserved where the message names no estimate. Free kinds have zero; nil: such a message is refused.
        package let defaultEstimate: MicroUSD?
        package let maxAttempts: Int?
        /// The model it calls: its price makes the estimate, with what an attempt's prompt has and may generate. Nil: none,
        /// or one without a price.
        package let model: ModelTerms?
        /// The kind that does the same work for less; it runs instead in economy mode, or when money is short.
        package let economy: String?
        /// How much of the kind may go on at a time, over all workers; nil: no limits.
        package let limits: KindLimits?
        /// How long a failed attempt waits for the next one; nil takes the worker's.
        package let retry: RetryPolicy?

        /// - Parameter defaultEstimate: where there is a model with a price, that of the model counts.
        package init(
            _ handler: any WorkHandler, model: ModelTerms? = nil, timeout: Duration? = nil,
            defaultEstimate: MicroUSD? = nil, maxAttempts: Int? = nil, economy: String? = nil,
            limits: KindLimits? = nil, retry: RetryPolicy? = nil
        ) {
            self.handler = handler
            self.model = model
            self.timeout = timeout
            self.defaultEstimate = model?.baseEstimate ?? defaultEstimate
            self.maxAttempts = maxAttempts
            self.economy = economy
            self.limits = limits
            self.retry = retry
        }
    }

    package private(set) var entries: [String: Entry] = [:]

    package init() {}

    /// Runs this kind with this handler; a second registration replaces the first.
    package mutating func register(_ kind: String, _ entry: Entry) { entries[kind] = entry }

    package subscript(kind: String) -> Entry? { entries[kind] }

    /// Every kind as a claim wants it.
    package var terms: [String: KindTerms] {
        entries.mapValues { entry in
            KindTerms(
                estimate: entry.defaultEstimate, nanoUSDPerByte: entry.model?.price.nanoUSDPerByte ?? 0,
                model: entry.model?.model, economy: entry.economy, limits: entry.limits)
        }
    }
}
