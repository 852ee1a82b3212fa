internal import Operations

/// A figure, its reference from the same run, what else was measured in its rounds, and the checks.
struct BenchReport: BenchOutcome {
    let title: String
    var figure: BenchFigure
    var reference: BenchFigure
    var measures: [BenchMeasure] = []
    var checks: [BenchCheck] = []

    init(_ title: String, figure: BenchFigure, reference: BenchFigure) {
        self.title = title
        self.figure = figure
        self.reference = reference
    }

    /// How many times the reference; 0 without one.
    var ratio: Double { reference.median > 0 ? figure.median / reference.median : 0 }

    func text(for terminal: Terminal) -> String {
        var table = Table([
            .init("FIGURE", isFlexible: true), .init("MEDIAN/s", .right), .init("LOWEST", .right),
            .init("HIGHEST", .right), .init("SPREAD", .right), .init("RATIO", .right),
        ])
        for (line, ratio) in [(figure, ratio), (reference, 1)] {
            table.add(
                [
                    line.name, NumberText.grouped(Int(line.median.rounded())),
                    NumberText.grouped(Int(line.lowest.rounded())), NumberText.grouped(Int(line.highest.rounded())),
                    BenchFigure.fixed(line.spread * 100, places: 0) + " %", BenchFigure.fixed(ratio, places: 2),
                ].map { Table.Cell($0) })
        }
        let beside =
            measures.isEmpty ? "" : BenchMeasure.table("IN ITS ROUNDS", measures).text(for: terminal) + "\n"
        return "\(title)\n\n" + table.text(for: terminal) + "\n" + beside + checksTable.text(for: terminal)
    }

    var json: JSONValue {
        [
            "title": .string(title), "figure": figure.json, "reference": reference.json,
            "ratio": .string(BenchFigure.fixed(ratio, places: 3)), "measures": .array(measures.map(\.json)),
            "checks": .array(checks.map(\.json)),
            "passes": .bool(checks.allSatisfy(\.passes)),
        ]
    }
}
