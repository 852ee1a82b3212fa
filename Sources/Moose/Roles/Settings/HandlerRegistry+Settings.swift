internal import Settings
internal import Store
internal import WorkOrders
internal import Worker

extension HandlerRegistry {
    /// The handlers of moose.yaml.
    init(_ settings: Settings, scratch: ScratchSpace, commandGuard: CommandGuard, client: HandlerClient) {
        self.init()
        for (kind, handler) in settings.handlers {
            let runs: any WorkHandler =
                switch handler.transport {
                case .command(let command):
                    CommandHandler(
                        CommandConfiguration(
                            argv: command.argv, environment: command.environment,
                            workingDirectory: command.workingDirectory, outputLimitBytes: command.outputLimitBytes),
                        scratch: scratch, commandGuard: commandGuard)
                case .http(let http):
                    HTTPHandler(
                        HTTPConfiguration(url: http.url, headers: http.headers, costHeader: http.costHeader),
                        client: client)
                }
            register(kind, Entry(runs, handler, models: settings.models))
        }
    }
}

extension HandlerRegistry.Entry {
    /// A handler with what moose.yaml says of its kind.
    convenience init(_ runs: any WorkHandler, _ settings: HandlerSettings, models: [String: ModelSettings]) {
        let estimate: MicroUSD? =
            switch settings.cost {
            case .free: .zero
            case .estimate(let amount): MicroUSD(microdollars: amount)
            // Without a model that has a price there is none: the settings don't let that through.
            case .model: nil
            }
        self.init(
            runs, model: ModelTerms(settings, in: models), timeout: settings.timeout, defaultEstimate: estimate,
            maxAttempts: settings.maxAttempts, economy: settings.economy, limits: KindLimits(settings.flow),
            retry: settings.retry.map { RetryPolicy(base: $0.base, cap: $0.cap) })
    }
}
