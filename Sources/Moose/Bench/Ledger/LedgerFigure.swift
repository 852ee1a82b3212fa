internal import Operations

/// One way to take holds, measured in several rounds, with its checks.
struct LedgerFigure: Sendable {
    var figure: BenchFigure
    var checks: [BenchCheck] = []

    init(_ name: String) { figure = BenchFigure(name) }

    var passes: Bool { checks.allSatisfy(\.passes) }

    /// How many times the reference.
    func ratio(to reference: BenchFigure) -> Double {
        reference.median > 0 ? figure.median / reference.median : 0
    }

    func json(reference: BenchFigure) -> JSONValue {
        [
            "figure": figure.json, "times_row_lock": .string(BenchFigure.fixed(ratio(to: reference), places: 3)),
            "checks": .array(checks.map(\.json)), "passes": .bool(passes),
        ]
    }
}
