/// `text`; read from every character type, from enums, from `json` and `jsonb` (the document's text) and from `numeric`
/// (its exact decimal digits).
extension String: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }
    package var encodedSize: Int { utf8.count }

    package func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: utf8) }

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
