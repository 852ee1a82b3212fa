internal import Operations

/// One quantity measured in several rounds.
struct BenchFigure: Sendable {
    let name: String
    /// One a round: so many a second, where nothing else is said.
    private(set) var values: [Double] = []

    init(_ name: String) { self.name = name }

    mutating func add(_ value: Double) { values.append(value) }

    /// The middle value, of an even number the mean of the two; 0 without any.
    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    var lowest: Double { values.min() ?? 0 }
    var highest: Double { values.max() ?? 0 }

    /// From the lowest to the highest, as a part of the median: 0.1 is 10 %.
    var spread: Double { median > 0 ? (highest - lowest) / median : 0 }

    var json: JSONValue {
        [
            "name": .string(name), "median_per_second": .count(Int(median.rounded())),
            "lowest_per_second": .count(Int(lowest.rounded())), "highest_per_second": .count(Int(highest.rounded())),
            "spread": .string(BenchFigure.fixed(spread, places: 3)),
            "rounds_per_second": .array(values.map { .count(Int($0.rounded())) }),
        ]
    }

    /// Fixed-point text without a locale.
    static func fixed(_ value: Double, places: Int) -> String {
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        guard value.isFinite, abs(value) < 1e12 else { return "-" }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        return (value < 0 ? "-" : "") + "\(scaled / scale)"
            + (places == 0 ? "" : "." + String(repeating: "0", count: places - fraction.count) + fraction)
    }
}
