/// How many work orders may start in how long, such as `100/minute`: a bucket of `count`, full at first, that fills up
/// again within `seconds`.
package struct StartRate: Sendable, Equatable, CustomStringConvertible {
    /// How a rate is written.
    package static let expected =
        "a rate such as 100/minute: a whole number up to 1000000, then /second, /minute or /hour"
    private static let units = [("second", 1), ("minute", 60), ("hour", 3600)]

    /// At least 1.
    package let count: Int
    /// At least 1.
    package let seconds: Int

    /// Nil where the text is no rate.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count),
            let unit = Self.units.first(where: { $0.0 == parts[1] })
        else { return nil }
        self.count = count
        seconds = unit.1
    }

    /// As it stands in the database.
    package init(count: Int, seconds: Int) {
        self.count = count
        self.seconds = seconds
    }

    /// As it is written.
    package var description: String {
        "\(count)/" + (Self.units.first { $0.1 == seconds }?.0 ?? "\(seconds) s")
    }
}

extension Field {
    /// A rate; nil with a mistake noted.
    func startRate() -> StartRate? {
        guard let text = text(expected: StartRate.expected) else { return nil }
        if let rate = StartRate(text) { return rate }
        fail("should be \(StartRate.expected)")
        return nil
    }
}
