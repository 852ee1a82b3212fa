internal import AMQP
package import Logging
internal import WorkOrders

/// A log whose warnings are reports as well: for the clients of the broker, which live below the reporter and repair
/// themselves on threads of their own.
package struct BrokerLog: LogHandler {
    private let reporter: Reporter
    private var logger: Logger
    /// Whatever the log leaves out, warnings are reports.
    package var logLevel: Logger.Level {
        get { min(logger.logLevel, .warning) }
        set { logger.logLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]

    package init(_ logger: Logger, _ reporter: Reporter) {
        self.logger = logger
        self.reporter = reporter
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let message = event.message.description
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }
        guard event.level >= .warning else {
            logger.log(level: event.level, event.message, error: event.error, metadata: facts)
            return
        }
        let details = facts.mapValues { "\($0)" }
        if let loss = event.error as? LinkLoss {
            reporter.reportLoss(of: .broker, message, because: loss.cause, details: details)
        } else {
            reporter.report(
                "broker", message, failureClass: .infrastructure,
                severity: event.level >= .error ? .critical : .warning, details: details)
        }
    }
}
