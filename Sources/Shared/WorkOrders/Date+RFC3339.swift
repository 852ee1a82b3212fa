package import FoundationEssentials

extension Date {
    /// Parses `2026-01-31T12:00:00Z`, with optional fraction and any offset; nil for anything else.
    package init?(rfc3339 text: String) {
        let plain = Date.ISO8601FormatStyle()
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? plain.parse(text)) ?? (try? fractional.parse(text)) else { return nil }
        self = date
    }

    /// `2026-01-31T12:00:00.000Z`.
    package var rfc3339: String { Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(self) }
}
