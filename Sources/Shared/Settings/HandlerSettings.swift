/// What runs one kind of work order, and what it may cost.
package struct HandlerSettings: Sendable, Equatable {
    /// The ways a handler is reached.
    package enum Transport: Sendable, Equatable {
        /// A program started for each attempt.
        case command(CommandSettings)
        /// A POST to a service for each attempt.
        case http(HTTPSettings)
    }

    /// How the handler is reached.
    package var transport: Transport
    /// How long one attempt may run. Default nil: `defaults.timeout_seconds` holds.
    package var timeout: Duration?
    /// What an attempt is assumed to cost, held from the budget before it starts, in millionths of a dollar; used when
    /// the work order brings no estimate of its own. Rounded up past six decimal places. Nil exactly when ``isFree``.
    package var defaultEstimateMicroUSD: Int64?
    /// Whether the work costs nothing, so that no budget is touched. Default false.
    package var isFree: Bool
    /// Attempts before the work counts as failed for good. Default nil: `defaults.max_attempts` holds.
    package var maxAttempts: Int?

    /// A handler that costs something.
    package init(
        transport: Transport,
        defaultEstimateMicroUSD: Int64,
        timeout: Duration? = nil,
        maxAttempts: Int? = nil
    ) {
        self.transport = transport
        self.timeout = timeout
        self.defaultEstimateMicroUSD = defaultEstimateMicroUSD
        self.isFree = false
        self.maxAttempts = maxAttempts
    }

    /// A handler that costs nothing.
    package init(freeTransport transport: Transport, timeout: Duration? = nil, maxAttempts: Int? = nil) {
        self.transport = transport
        self.timeout = timeout
        self.isFree = true
        self.maxAttempts = maxAttempts
    }
}
