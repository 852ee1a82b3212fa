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

        package init(
            _ handler: any WorkHandler, timeout: Duration? = nil, defaultEstimate: MicroUSD? = nil,
            maxAttempts: Int? = nil
        ) {
            self.handler = handler
            self.timeout = timeout
            self.defaultEstimate = defaultEstimate
            self.maxAttempts = maxAttempts
        }
    }

    package private(set) var entries: [String: Entry] = [:]

    package init() {}

    /// Runs this kind with this handler; a second registration replaces the first.
    package mutating func register(_ kind: String, _ entry: Entry) { entries[kind] = entry }

    package subscript(kind: String) -> Entry? { entries[kind] }

    /// Every kind with its default estimate, as a claim wants them.
    package var prices: [String: MicroUSD?] { entries.mapValues(\.defaultEstimate) }
}
