internal import AsyncHTTPClient
internal import Settings
internal import WorkOrders
internal import Worker

extension HandlerRegistry {
    /// The handlers of moose.yaml.
    init(_ settings: Settings, scratch: ScratchSpace, client: HTTPClient) {
        self.init()
        for (kind, handler) in settings.handlers {
            let runs: any WorkHandler =
                switch handler.transport {
                case .command(let command):
                    CommandHandler(
                        CommandConfiguration(
                            argv: command.argv, environment: command.environment,
                            workingDirectory: command.workingDirectory, outputLimitBytes: command.outputLimitBytes),
                        scratch: scratch)
                case .http(let http):
                    HTTPHandler(
                        HTTPConfiguration(url: http.url, headers: http.headers, costHeader: http.costHeader),
                        client: client)
                }
            register(
                kind,
                Entry(
                    runs, timeout: handler.timeout,
                    defaultEstimate: handler.isFree
                        ? .zero : handler.defaultEstimateMicroUSD.map(MicroUSD.init(microdollars:)),
                    maxAttempts: handler.maxAttempts))
        }
    }
}
