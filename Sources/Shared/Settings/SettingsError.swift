/// Why there are no settings.
package enum SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file couldn't be read at all.
    case unreadable(path: String, reason: String)
    /// The file or the environment is wrong: every mistake, in the order of the file.
    case invalid([SettingsProblem])

    /// One line a mistake.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "can't read the configuration \(path): \(reason). Name another file with --config or MOOSE_CONFIG"
        case .invalid(let problems):
            problems.map(\.description).joined(separator: "\n")
        }
    }
}
