/// What runs one kind of work order, and what it may cost.
package struct HandlerSettings: Sendable, Equatable {
    /// The ways a handler is reached.
    package enum Transport: Sendable, Equatable {
        /// A program started for each attempt.
        case command(CommandSettings)
        /// A POST to a service for each attempt.
        case http(HTTPSettings)
    }

    /// What is held from the budget before an attempt starts, where the work order brings no estimate of its own.
    package enum Cost: Sendable, Equatable {
        /// Nothing, so that no budget is touched.
        case free
        /// A fixed amount in millionths of a dollar, rounded up past six decimal places.
        case estimate(microUSD: Int64)
        /// What the prompt and so many generated tokens cost at the price of a model of `models`.
        case model(String, maxTokens: Int)
    }

    /// How the handler is reached.
    package var transport: Transport
    /// How long one attempt may run. Default nil: `defaults.timeout_seconds` holds.
    package var timeout: Duration?
    /// What an attempt costs.
    package var cost: Cost
    /// Attempts before the work counts as failed for good. Default nil: `defaults.max_attempts` holds.
    package var maxAttempts: Int?
    /// The kind whose handler does the same work for less: it runs instead beyond a hard limit, or when there is no
    /// money for this one. Default nil: none does.
    package var economy: String?
    /// How much of it may go on at a time. Default: no limits.
    package var flow: FlowSettings
    /// How long a failed attempt waits for the next one. Default nil: `retry` holds. Key `retry`.
    package var retry: RetrySettings?

    package init(
        transport: Transport,
        cost: Cost,
        timeout: Duration? = nil,
        maxAttempts: Int? = nil,
        economy: String? = nil,
        flow: FlowSettings = FlowSettings(),
        retry: RetrySettings? = nil
    ) {
        self.transport = transport
        self.timeout = timeout
        self.cost = cost
        self.maxAttempts = maxAttempts
        self.economy = economy
        self.flow = flow
        self.retry = retry
    }
}
