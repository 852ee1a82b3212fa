internal import Operations

/// How long orders waited for their handlers, and the checks.
struct LatencyReport: BenchOutcome {
    let title: String
    /// In milliseconds, by situation.
    private(set) var measures: [BenchMeasure] = []
    var checks: [BenchCheck] = []

    init(_ title: String) { self.title = title }

    /// Adds one round of a situation.
    /// - Parameter times: in milliseconds, sorted, at least one.
    mutating func add(_ situation: String, _ times: [Double]) {
        let figures = [
            ("p50", times[times.count / 2]), ("p99", times[times.count * 99 / 100]), ("max", times[times.count - 1]),
        ]
        for (figure, value) in figures {
            let name = "\(situation), \(figure)"
            let index = measures.firstIndex { $0.figure.name == name } ?? measures.count
            if index == measures.count { measures.append(BenchMeasure(name, unit: "ms", places: 3)) }
            measures[index].add(value)
        }
    }

    func text(for terminal: Terminal) -> String {
        "\(title)\n\n" + BenchMeasure.table("LATENCY, ms", measures).text(for: terminal) + "\n"
            + checksTable.text(for: terminal)
    }

    var json: JSONValue {
        [
            "title": .string(title), "latency": .array(measures.map(\.json)), "checks": .array(checks.map(\.json)),
            "passes": .bool(checks.allSatisfy(\.passes)),
        ]
    }
}
