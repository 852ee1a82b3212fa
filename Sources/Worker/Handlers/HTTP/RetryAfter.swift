internal import FoundationEssentials

/// Reads the `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date.
enum RetryAfter {
    /// - Parameter now: what a date is counted from.
    /// - Returns: at least a second, so that a date gone by doesn't make a busy loop, at most a day; nil for anything
    ///   that is neither form.
    static func wait(_ header: String, now: Date) -> Duration? {
        var text = header.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return bounded(Double(text) ?? .infinity)
        }
        guard let date = date(text) else { return nil }
        return bounded(date.timeIntervalSince(now))
    }

    private static func bounded(_ seconds: Double) -> Duration { .seconds(min(max(seconds, 1), 86_400)) }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form a server may send today.
    private static func date(_ text: Substring) -> Date? {
        let parts = text.split(whereSeparator: { $0 == " " || $0 == ":" || $0 == "," })
        guard parts.count == 8, parts[7] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = months.firstIndex(of: String(parts[2])), let hour = Int(parts[4]), let minute = Int(parts[5]),
            let second = Int(parts[6]), let greenwich = TimeZone(secondsFromGMT: 0)
        else { return nil }
        guard (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            (1970...9999).contains(year)
        else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = greenwich
        return calendar.date(
            from: DateComponents(
                year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second))
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
