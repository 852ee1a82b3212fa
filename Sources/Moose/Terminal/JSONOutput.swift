import FoundationEssentials

/// What `--json` prints: the same keys in the same order each time, so that scripts and diffs can rely on it.
enum JSONOutput {
    /// The value as JSON with sorted keys, dates in ISO 8601, and a line break at its end.
    ///
    /// - Throws: what the value's own `encode(to:)` throws, or `EncodingError` for a number JSON can't hold.
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// A list as one JSON array; an empty one is `[]`, never nothing.
    static func text(list values: [some Encodable]) throws -> String {
        values.isEmpty ? "[]\n" : try text(values)
    }

    /// The value on one line, for streams of JSON lines.
    static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }
}
