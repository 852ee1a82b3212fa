/// The levels `MOOSE_LOG_LEVEL` knows, from the most to the least talkative; the raw values are swift-log's.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

extension LogLevel {
    private static let variable = "MOOSE_LOG_LEVEL"

    /// What the environment says; nil where it says nothing or, with a mistake noted, names no level.
    init?(_ variables: Variables) {
        guard let text = variables[Self.variable] else { return nil }
        guard let level = LogLevel(rawValue: text.lowercased()) else {
            let levels = Self.allCases.map(\.rawValue)
            variables.fail(Self.variable, "is no level of logging: use one of \(levels.joined(separator: ", "))")
            return nil
        }
        self = level
    }
}
