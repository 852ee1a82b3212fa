internal import FoundationEssentials

/// Values on both sides of every limit that a schema draws, as JSON text. Some lie far out, so that a limit that only
/// the code draws is found too.
package struct SchemaProbes {
    private let schema: JSONSchema

    package init(_ schema: JSONSchema) { self.schema = schema }

    private static let shapes = [
        "null", "true", "false", "0", "1", "-1", "-0", "2.0", "1e1", "0.5", "15e-1", "\"\"", "\"text\"", "\"1\"", "[]",
        "{}", "[null]", "[1]", "[\"text\"]", "[[]]", #"{"a":null}"#, #"{"a":1}"#, #"{"a":"b"}"#, #"{"a":{}}"#,
    ]

    private static let times = [
        "2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00+02:00",
        "2026-01-31T12:00:00-23:59", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60", "2026-01-31T12:00:00",
        "2026-01-31T12:00:00+0200", "2026-01-31T12:00:00+02", "2026-01-31T12:00:00.Z", "2026-01-31 12:00:00Z",
        "2026-01-31T12:00Z", "2026-01-31", "20260131T120000Z", "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z", "2016-12-31T23:59:60Z", "2026-01-31T23:59:61Z", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z", "12026-01-31T12:00:00Z", "+2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z ",
    ]

    /// - Parameters:
    ///   - field: the schema of one field.
    ///   - sample: a value it accepts; the texts and arrays are made from it.
    package func values(of field: JSONValue, like sample: JSONValue) throws -> [String] {
        let parts = try schema.alternatives(of: field)
        func limits(_ names: String...) -> [Decimal] { names.flatMap { name in parts.compactMap { $0[name].number } } }
        let choices = parts.flatMap { $0["enum"].array }
        let lengths = limits("minLength", "maxLength") + parts.compactMap { $0["pattern"].string }.flatMap(Self.counts)
        let texts = [sample].compactMap(\.string).flatMap { TextProbes(of: $0).texts(around: lengths) }
        let times = parts.contains { $0["format"] == .string("date-time") } ? Self.times : []
        return try Self.shapes + choices.map(\.text) + (texts + times).map(JSONValue.quoted)
            + limits("minimum", "maximum").flatMap(Self.numbers) + Self.farNumbers
            + parts.flatMap { try arrays(of: $0["items"], like: sample, around: limits("maxItems")) }
    }

    private func arrays(of items: JSONValue, like sample: JSONValue, around limits: [Decimal]) throws -> [String] {
        guard let element = sample.array.first else { return [] }
        let lengths = (limits + [2000]).compactMap { Int("\($0)") }.flatMap { [$0 - 1, $0, $0 + 1] }
        return lengths.map { JSONValue.array(Array(repeating: element, count: $0)).text }
            + (try values(of: items, like: element).map { "[\(element.text),\($0)]" })
    }

    private static let farNumbers = ["-1000000000000", "1000000000000", "1e15"]

    private static func numbers(around limit: Decimal) -> [String] {
        let step = Decimal(sign: .plus, exponent: -6, significand: 1)
        return [limit - 1, limit - step, limit, limit + step, limit + 1].map(\.description)
            + ["\(limit).0", "\(limit)e0", "\(limit).5"]
    }

    /// How often a pattern lets something come: the numbers in its braces.
    private static func counts(in pattern: String) -> [Decimal] {
        pattern.split(separator: "{").dropFirst().flatMap { text in
            text.prefix { $0 != "}" }.split(separator: ",").compactMap { Int($0).map { Decimal($0) } }
        }
    }
}
