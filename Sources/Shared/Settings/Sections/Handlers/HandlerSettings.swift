/// What runs one kind of work order, and what it may cost.
package struct HandlerSettings: Sendable, Equatable {
    /// The ways a handler is reached.
    package enum Transport: Sendable, Equatable {
        /// A program started for each attempt. Key `command`.
        case command(CommandSettings)
        /// A POST to a service for each attempt. Key `http`.
        case http(HTTPSettings)
    }

    /// How the handler is reached.
    package var transport: Transport
    /// How long one attempt may run. Default nil: `defaults.timeout_seconds` holds. Key `timeout_seconds`.
    package var timeout: Duration?
    /// What an attempt costs.
    package var cost: Cost
    /// Attempts before the work counts as failed for good. Default nil: `defaults.max_attempts` holds.
    /// Key `max_attempts`.
    package var maxAttempts: Int?
    /// The kind whose handler does the same work for less: it runs instead beyond a hard limit, or when there is no
    /// money for this one. Default nil: none does. Key `economy`.
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

extension HandlerSettings {
    /// The key the handlers stand under, each under its kind.
    static let key = "handlers"
    /// The shortest and the longest time an attempt may be given.
    static let timeouts = Duration.milliseconds(10)...Duration.day * 7

    /// The handlers that the block names, by kind; mistakes are noted, and a wrong handler is left out.
    /// - Parameters:
    ///   - folder: resolves working directories; absolute.
    ///   - models: those that have a price.
    ///   - retry: what holds for kinds that say nothing of their own.
    static func handlers(
        in section: Section, folder: String, models: [String], retry: RetrySettings
    ) -> [String: HandlerSettings] {
        let kinds = section.named("kind of work order", NameRule.kindRule, where: NameRule.isKind)
        var handlers: [String: HandlerSettings] = [:]
        for (kind, field) in kinds {
            handlers[kind] = HandlerSettings(field, folder: folder, models: models, retry: retry)
        }
        checkEconomies(kinds, of: handlers)
        return handlers
    }

    private init?(_ field: Field, folder: String, models: [String], retry standard: RetrySettings) {
        let keys =
            [CommandSettings.key, HTTPSettings.key, "timeout_seconds"] + Cost.keys
            + ["economy", "max_attempts", RetrySettings.key] + FlowSettings.keys
        guard let section = Section(field)?.knowing(keys) else { return nil }
        let transport = Transport(section, folder: folder)
        let timeout = section["timeout_seconds"]?.seconds(in: Self.timeouts)
        let attempts = section["max_attempts"]?.integer(in: 1...100, unit: "attempts")
        let economy = section["economy"]?.text(expected: "the kind of another handler")
        let flow = FlowSettings(section)
        var retry: RetrySettings?
        if let block = section.section(RetrySettings.key) {
            var own = standard
            own.read(block)
            retry = own
        }
        guard let cost = Cost(section, models: models), let transport else { return nil }
        self.init(
            transport: transport,
            cost: cost,
            timeout: timeout,
            maxAttempts: attempts,
            economy: economy,
            flow: flow,
            retry: retry
        )
    }

    var shown: ShownValue {
        var entries = [transport.entry]
        if let timeout { entries.append(("timeout_seconds", .seconds(timeout))) }
        entries += cost.entries
        if let economy { entries.append(("economy", .text(economy))) }
        if let maxAttempts { entries.append(("max_attempts", .integer(maxAttempts))) }
        entries += flow.entries
        if let retry { entries.append(retry.entry) }
        return .block(entries)
    }
}

extension HandlerSettings.Transport {
    /// What an entry of `handlers` says; nil with mistakes noted.
    fileprivate init?(_ section: Section, folder: String) {
        switch (section[CommandSettings.key], section[HTTPSettings.key]) {
        case (let field?, nil):
            guard let command = CommandSettings(field, folder: folder) else { return nil }
            self = .command(command)
        case (nil, let field?):
            guard let http = HTTPSettings(field) else { return nil }
            self = .http(http)
        case (nil, nil):
            section.fail("has neither command nor http: say how the handler is reached")
            return nil
        case (_?, _?):
            section.fail("has both command and http: keep one")
            return nil
        }
    }

    fileprivate var entry: (key: String, value: ShownValue) {
        switch self {
        case .command(let command): (key: CommandSettings.key, value: command.shown)
        case .http(let http): (key: HTTPSettings.key, value: http.shown)
        }
    }
}
