internal import Operations

/// What must hold for a figure to count: a fast wrong answer is a failure.
struct BenchCheck: Sendable, CustomStringConvertible {
    let name: String
    /// From 1.
    let round: Int
    let expected: Int
    let found: Int

    var passes: Bool { expected == found }

    var description: String {
        "\(name), round \(round): \(NumberText.grouped(found)), expected \(NumberText.grouped(expected))"
    }

    var json: JSONValue {
        [
            "name": .string(name), "round": .count(round), "expected": .count(expected), "found": .count(found),
            "passes": .bool(passes),
        ]
    }
}
