import Yams

/// Gathers every mistake of one reading, so that they are reported together.
///
/// Belongs to one call of ``Settings/load(path:environment:)`` and never leaves it.
final class ProblemCollector {
    let file: String
    private(set) var problems: [SettingsProblem] = []

    init(file: String) {
        self.file = file
    }

    /// Notes a mistake at a place of the file.
    func note(_ message: String, at mark: Mark?) {
        problems.append(SettingsProblem(source: file, line: mark?.line, column: mark?.column, message: message))
    }

    /// Notes a mistake in the environment.
    func note(_ message: String, variable: String) {
        problems.append(SettingsProblem(source: variable, line: nil, column: nil, message: message))
    }

    /// The mistakes in the order of the file, those of the environment last.
    var sorted: [SettingsProblem] {
        problems.enumerated().sorted { a, b in
            let left = (a.element.line ?? .max, a.element.column ?? .max, a.offset)
            return left < (b.element.line ?? .max, b.element.column ?? .max, b.offset)
        }.map(\.element)
    }
}
