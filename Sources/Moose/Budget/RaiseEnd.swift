internal import FoundationEssentials
internal import Operations
internal import WorkOrders

extension RaiseEnd {
    /// Reads an instant (RFC 3339), a span such as `2h`, `3d` or `1d12h`, or `end of window`.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` for anything else.
    static func parse(_ text: String) throws(CommandFailure) -> RaiseEnd {
        if ["end of window", "end-of-window", "window"].contains(text.lowercased()) { return .endOfWindow }
        if let span = span(text) { return .after(span) }
        if let date = Date(rfc3339: text) { return .at(date) }
        throw CommandFailure(
            "“\(PrintableText.truncated(PrintableText.oneLine(text), to: 40))” is no end for --until",
            why: "It takes an instant such as 2026-01-31T18:00:00+01:00, a span of at most 366d such as 90m, 2h, 3d or "
                + "1d12h, or \"end of window\"",
            status: .usage)
    }

    /// Weeks, days, hours and minutes, in that order, each at most once; more than nothing, at most 366 days.
    static func span(_ text: String) -> Duration? {
        var units: [(letter: Character, seconds: Int)] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)]
        var seconds = 0
        var number: Int?
        for character in text {
            if character.isASCII, let digit = character.wholeNumberValue {
                let next = (number ?? 0) * 10 + digit
                guard next <= 1_000_000 else { return nil }
                number = next
            } else {
                guard let count = number, let index = units.firstIndex(where: { $0.letter == character }) else {
                    return nil
                }
                seconds += count * units[index].seconds
                units.removeFirst(index + 1)
                number = nil
            }
        }
        guard number == nil, (1...366 * 86_400).contains(seconds) else { return nil }
        return .seconds(seconds)
    }
}
