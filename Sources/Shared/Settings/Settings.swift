/// The typed configuration of every role, read once at the start of a process.
///
/// A value comes, in falling order of precedence, from the environment (`MOOSE_AMQP_URL`, `MOOSE_DATABASE_URL`,
/// `MOOSE_SENTINEL_SECRET`, `MOOSE_SPOOL_FOLDER`, `MOOSE_LOG_LEVEL`), from `moose.yaml`, or from the defaults written at
/// each field.
package struct Settings: Sendable, Equatable {
    /// The file the settings were read from; nil when only defaults and the environment apply.
    package var file: String?
    /// Where RabbitMQ is.
    package var broker = BrokerSettings()
    /// Where PostgreSQL is.
    package var database = DatabaseSettings()
    /// The least important level that is logged. Default `info`; only `MOOSE_LOG_LEVEL` sets it.
    package var logLevel = LogLevel.info
    /// The lanes by name, declared by `moose topology apply`. Default: one lane `default` of weight 1.
    package var lanes = ["default": LaneSettings()]
    /// What holds for every work order that doesn't say otherwise.
    package var defaults = DefaultSettings()
    /// How long failed work waits before its next attempt.
    package var retry = RetrySettings()
    /// How a worker shows that it still holds a work order.
    package var lease = LeaseSettings()
    /// The worker process itself.
    package var worker = WorkerSettings()
    /// Where messages wait while their servers are away.
    package var spool = SpoolSettings()
    /// When the Client Manager tells of what stands still.
    package var watch = WatchSettings()
    /// How long what is finished is kept.
    package var retention = RetentionSettings()
    /// How CI's results are judged.
    package var sentinel = SentinelSettings()
    /// What the tokens of each model cost, by the model's name. Default: none, so no handler can name one.
    package var models: [String: ModelSettings] = [:]
    /// What runs each kind of work order, by kind. Default: none, so a worker refuses every kind.
    package var handlers: [String: HandlerSettings] = [:]

    /// The defaults alone: no file, no environment.
    package init() {}
}
