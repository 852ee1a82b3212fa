internal import Operations

/// The figures of `moose bench ledger`: each with its checks beside it, as many times a row lock on the same machine.
struct LedgerReport: BenchOutcome {
    let title: String
    /// In order of measurement.
    var figures: [LedgerFigure] = []
    /// Which of them is the row lock.
    let reference: String
    /// Of single holds, in milliseconds; one value a round.
    var median = BenchMeasure("p50", unit: "ms", places: 3)
    var slowest = BenchMeasure("p99", unit: "ms", places: 3)
    var latencyChecks: [BenchCheck] = []

    init(_ title: String, reference: String) {
        self.title = title
        self.reference = reference
    }

    var checks: [BenchCheck] { figures.flatMap(\.checks) + latencyChecks }
    private var rowLock: BenchFigure { figures.first { $0.figure.name == reference }?.figure ?? BenchFigure(reference) }

    /// Adds one round's value to the figure of that name.
    mutating func add(_ name: String, _ rate: Double, _ checks: [BenchCheck]) {
        let index = figures.firstIndex { $0.figure.name == name } ?? figures.count
        if index == figures.count { figures.append(LedgerFigure(name)) }
        figures[index].figure.add(rate)
        figures[index].checks += checks
    }

    func text(for terminal: Terminal) -> String {
        var table = Table([
            .init("FIGURE", isFlexible: true), .init("MEDIAN/s", .right), .init("LOWEST", .right),
            .init("HIGHEST", .right), .init("SPREAD", .right), .init("ROW LOCKS", .right), .init("CHECKS"),
        ])
        for line in figures {
            table.add(
                [
                    line.figure.name, NumberText.grouped(Int(line.figure.median.rounded())),
                    NumberText.grouped(Int(line.figure.lowest.rounded())),
                    NumberText.grouped(Int(line.figure.highest.rounded())),
                    BenchFigure.fixed(line.figure.spread * 100, places: 0) + " %",
                    BenchFigure.fixed(line.ratio(to: rowLock), places: 2), Self.verdict(line.checks),
                ].map { Table.Cell($0) })
        }
        var latency = Table([
            .init("LATENCY", isFlexible: true), .init("MEDIAN ms", .right), .init("LOWEST", .right),
            .init("HIGHEST", .right), .init("CHECKS"),
        ])
        for line in [median.figure, slowest.figure] {
            latency.add(
                [
                    "\(line.name) of single holds, 1,000 asked each second",
                    BenchFigure.fixed(line.median, places: 2), BenchFigure.fixed(line.lowest, places: 2),
                    BenchFigure.fixed(line.highest, places: 2), Self.verdict(latencyChecks),
                ].map { Table.Cell($0) })
        }
        return "\(title)\n\n" + table.text(for: terminal) + "\n" + latency.text(for: terminal)
    }

    var json: JSONValue {
        [
            "title": .string(title), "figures": .array(figures.map { $0.json(reference: rowLock) }),
            "latency": .array([median, slowest].map(\.json)),
            "latency_checks": .array(latencyChecks.map(\.json)), "passes": .bool(checks.allSatisfy(\.passes)),
        ]
    }

    private static func verdict(_ checks: [BenchCheck]) -> String {
        guard let failed = checks.first(where: { !$0.passes }) else { return "ok, \(checks.count)" }
        return "FAIL: \(failed)"
    }
}
