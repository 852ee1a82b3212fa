/// A JSON document as text, bound as `json` (assignable to `jsonb` columns) and read from `json` and `jsonb`.
package struct JSONText: Sendable, Hashable {
    /// The document. The server refuses what isn't JSON.
    package let text: String

    package init(_ text: String) { self.text = text }
}

extension JSONText: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .json }
    package static var postgresArrayType: PostgresType { .jsonArray }
    package var encodedSize: Int { text.utf8.count }

    package func encode(into buffer: inout [UInt8]) { text.encode(into: &buffer) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> JSONText {
        guard type == .json || type == .jsonb else { throw .wrongType(type) }
        return JSONText(try String.decode(bytes, type: type))
    }
}
