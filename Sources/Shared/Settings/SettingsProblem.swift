/// One mistake in the configuration, with its place.
package struct SettingsProblem: Sendable, Equatable, CustomStringConvertible {
    /// The file, or the environment variable when ``line`` is nil.
    package let source: String
    /// The line from 1; nil when the mistake has no place in a file.
    package let line: Int?
    /// The column from 1, counted in Unicode scalars; nil when unknown.
    package let column: Int?
    /// What is wrong and what would be right, without any secret value.
    package let message: String

    /// `file:line:column: message`.
    package var description: String {
        let place = [line, column].compactMap { $0 }.map { ":\($0)" }.joined()
        return "\(source)\(place): \(message)"
    }
}
