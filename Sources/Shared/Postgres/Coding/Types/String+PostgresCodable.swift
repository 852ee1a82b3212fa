/// `text`; read from every character type, from enums, from `json` and `jsonb` (the document's text) and from `numeric`
/// (its exact decimal digits).
extension String: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }
    package var encodedSize: Int { utf8.count }

    /// The server keeps no NUL in a text, and would refuse all that came with it: wherever a text comes from, a NUL is
    /// written as U+FFFD. What must come back as it was is kept as bytes, or escaped before it comes here.
    package func encode(into buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(contentsOf: utf8)
        guard buffer[start...].contains(0) else { return }
        let text = buffer[start...].flatMap { $0 == 0 ? Array("\u{FFFD}".utf8) : [$0] }
        buffer.replaceSubrange(start..., with: text)
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> String {
        switch type {
        case .text, .varchar, .bpchar, .name, .json, .unknown:
            return text(bytes)
        case .jsonb:
            // The binary form is a version, always 1 so far, and then the text.
            guard try bytes.bigEndian(UInt8.self, at: 0) == 1 else { throw .malformed("jsonb of an unknown version") }
            return text(bytes.extracting(1..<bytes.byteCount))
        case .numeric:
            return try NumericText.decode(bytes)
        default:
            guard type.isUserDefined else { throw .wrongType(type) }
            return text(bytes)
        }
    }

    private static func text(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
    }
}
