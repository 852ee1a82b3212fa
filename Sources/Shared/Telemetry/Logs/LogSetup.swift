package import Logging

/// Prepares swift-log for the whole process.
package enum LogSetup {
    /// Sends every log line of the process to standard error, by a thread of its own. Call once, first in `main`:
    /// swift-log traps on a second call. ``StandardError/flush()`` at the end of the process.
    ///
    /// - Parameters:
    ///   - level: the least important level that is logged; nil takes `MOOSE_LOG_LEVEL`, else `info`.
    ///   - format: nil takes ``LogFormat/suitable(environment:)``.
    ///   - environment: the process's environment.
    package static func bootstrap(
        level: Logger.Level? = nil,
        format: LogFormat? = nil,
        environment: [String: String]
    ) {
        let level = level ?? self.level(in: environment)
        let format = format ?? .suitable(environment: environment)
        StandardError.queueLines(format: format)
        LoggingSystem.bootstrap(
            { label, provider in
                LineLogHandler(label: label, level: level, format: format, metadataProvider: provider) { line in
                    StandardError.write(line)
                }
            },
            metadataProvider: nil
        )
    }

    /// The level `MOOSE_LOG_LEVEL` names; `info` when it names none.
    package static func level(in environment: [String: String]) -> Logger.Level {
        environment["MOOSE_LOG_LEVEL"].flatMap { Logger.Level(rawValue: $0.lowercased()) } ?? .info
    }
}
