import FoundationEssentials

/// The JSON of an RFC 9457 problem without a type of its own.
struct ProblemDetails: Encodable {
    let title: String
    let status: Int
    let detail: String

    /// With a line break.
    var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Two texts and a number always encode; the status stands in the header too.
        let text = (try? encoder.encode(self)).map(Array.init) ?? Array("{}".utf8)
        return text + [UInt8(ascii: "\n")]
    }
}
