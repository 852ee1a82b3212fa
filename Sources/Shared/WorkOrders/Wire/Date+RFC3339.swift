package import FoundationEssentials

extension Date {
    /// Parses `2026-01-31T12:00:00Z`, with optional fraction and any offset; nil for anything else, a day or an hour
    /// that doesn't exist included.
    package init?(rfc3339 text: String) {
        var fields = Fields(rest: text.utf8[...])
        guard let year = fields.number(4), fields.take("-"), let month = fields.number(2), fields.take("-"),
            let day = fields.number(2), fields.take("T") || fields.take("t"),
            let hour = fields.number(2), fields.take(":"), let minute = fields.number(2), fields.take(":"),
            let second = fields.number(2), let fraction = fields.fraction(), let offset = fields.offset(),
            fields.rest.isEmpty
        else { return nil }
        guard (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        let seconds = Self.daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(timeIntervalSince1970: Double(seconds) + fraction)
    }

    /// `2026-01-31T12:00:00.000Z`.
    package var rfc3339: String { Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(self) }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Counts years from March, so that the leap day is the last of its year.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let years = month > 2 ? year : year - 1
        let months = (month + 9) % 12
        let leapDays = years / 4 - years / 100 + years / 400
        // 719,468 days lie between March 1 of the year 0 and 1970.
        return years * 365 + leapDays + (months * 153 + 2) / 5 + day - 1 - 719_468
    }
}

/// The text of a time, taken from the front.
private struct Fields {
    var rest: Substring.UTF8View

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Exactly this many digits.
    mutating func number(_ digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Zero when there is none; nil for a point without digits.
    mutating func fraction() -> Double? {
        guard take(".") else { return 0 }
        var value = 0.0
        var scale = 1.0
        while let digit = digit() {
            // Beyond the nanosecond nothing is left of a Double.
            guard scale < 1e9 else { continue }
            value = value * 10 + Double(digit)
            scale *= 10
        }
        return scale > 1 ? value / scale : nil
    }

    /// Seconds east of Greenwich.
    mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isWest = rest.first == UInt8(ascii: "-")
        guard take("+") || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24,
            minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isWest ? -60 : 60)
    }

    private mutating func digit() -> Int? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        rest.removeFirst()
        return Int(byte - UInt8(ascii: "0"))
    }
}
