import Glibc

/// How log lines look.
package enum LogFormat: Sendable, Equatable {
    /// One line for people: time of day, level, logger, message, `key=value`.
    case people(colour: Bool)
    /// One JSON object a line for collectors: `ts`, `level`, `logger`, `message` and all metadata.
    case json

    /// For people when standard error is a terminal, coloured unless `NO_COLOR` or `TERM=dumb` is set; else JSON.
    package static func suitable(environment: [String: String]) -> LogFormat {
        guard isatty(STDERR_FILENO) == 1 else { return .json }
        let wantsNone = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return .people(colour: !wantsNone && environment["TERM"] != "dumb")
    }
}
