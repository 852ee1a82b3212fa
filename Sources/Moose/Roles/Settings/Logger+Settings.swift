internal import Logging
internal import Settings

extension Logger.Level {
    /// The level of the configuration.
    init(_ level: LogLevel) { self = Logger.Level(rawValue: level.rawValue) ?? .info }
}
