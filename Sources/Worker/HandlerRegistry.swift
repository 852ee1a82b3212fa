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
        /// The kind that does the same work for less; it runs instead in economy mode, or when money is short.
        package var economy: String?

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
    }

    package private(set) var entries: [String: Entry] = [:]

    package init() {}

    /// Runs this kind with this handler; a second registration replaces the first.
    package mutating func register(_ kind: String, _ entry: Entry) { entries[kind] = entry }

    package subscript(kind: String) -> Entry? { entries[kind] }

    /// Every kind as a claim wants it.
    package var terms: [String: KindTerms] {
        entries.mapValues { KindTerms(estimate: $0.defaultEstimate, economy: $0.economy) }
    }
}
