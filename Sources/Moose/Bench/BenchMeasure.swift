internal import Operations

/// A quantity with a unit of its own, a time or a share, measured in several rounds.
struct BenchMeasure: Sendable {
    private(set) var figure: BenchFigure
    /// Ends the names of its fields in JSON, such as `median_ms`.
    let unit: String
    /// Decimal places that are shown.
    let places: Int

    init(_ name: String, unit: String, places: Int) {
        figure = BenchFigure(name)
        self.unit = unit
        self.places = places
    }

    mutating func add(_ value: Double) { figure.add(value) }

    /// One line a measure.
    static func table(_ title: String, _ measures: [BenchMeasure]) -> Table {
        var table = Table([
            .init(title, isFlexible: true), .init("MEDIAN", .right), .init("LOWEST", .right), .init("HIGHEST", .right),
            .init("SPREAD", .right),
        ])
        for measure in measures {
            let figure = measure.figure
            table.add(
                [
                    figure.name, measure.text(figure.median), measure.text(figure.lowest), measure.text(figure.highest),
                    BenchFigure.fixed(figure.spread * 100, places: 0) + " %",
                ].map { Table.Cell($0) })
        }
        return table
    }

    func text(_ value: Double) -> String { BenchFigure.fixed(value, places: places) }

    var json: JSONValue {
        .object([
            "name": .string(figure.name), "median_\(unit)": .string(text(figure.median)),
            "lowest_\(unit)": .string(text(figure.lowest)), "highest_\(unit)": .string(text(figure.highest)),
            "spread": .string(BenchFigure.fixed(figure.spread, places: 3)),
            "rounds_\(unit)": .array(figure.values.map { .string(text($0)) }),
        ])
    }
}
