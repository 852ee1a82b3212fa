package import Store
package import WorkOrders

/// Which kinds this worker runs, and how.
package struct HandlerRegistry: Sendable {
    /// A handler with the defaults of its kind.
    package struct Entry: Sendable {
        package var handler: any WorkHandler
        /// How long one attempt may run; nil takes the worker's default.
        package var timeout: Duration?
        /// Reserved where the message names no estimate. Free kinds have zero; nil: such a message is refused.
        package var defaultEstimate: MicroUSD?
        package var maxAttempts: Int?
        /// The model it calls, whose price makes the estimate; nil: none, or one without a price.
        package var model: ModelTerms?
        /// The kind that does the same work for less; it runs instead in economy mode, or when money is short.
        package var economy: String?
        /// How much of the kind may go on at a time, over all workers; nil: no limits.
        package var limits: KindLimits?
        /// How long a failed attempt waits for the next one; nil takes the worker's.
        package var retry: RetryPolicy?

        package init(
            _ handler: any WorkHandler, timeout: Duration? = nil, defaultEstimate: MicroUSD? = nil,
            maxAttempts: Int? = nil, economy: String? = nil
        ) {
            self.handler = handler
            self.timeout = timeout
            self.defaultEstimate = defaultEstimate
            self.maxAttempts = maxAttempts
            self.economy = economy
        }

        /// A handler that calls a model: the price of an attempt follows from its prompt and from what it may generate.
        package init(
            _ handler: any WorkHandler, model: ModelTerms, timeout: Duration? = nil, maxAttempts: Int? = nil,
            economy: String? = nil
        ) {
            self.init(
                handler, timeout: timeout, defaultEstimate: model.baseEstimate, maxAttempts: maxAttempts,
                economy: economy)
            self.model = model
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
