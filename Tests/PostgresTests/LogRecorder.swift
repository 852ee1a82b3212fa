import Logging
import Synchronization

/// Keeps what is logged.
final class LogRecorder: LogHandler {
    let lines = Mutex<[String]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        lines.withLock { lines in lines.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
