// `[Bool]`, `[UUID?]`, `[[UInt8]]` and so on are server arrays; `[UInt8]` is `bytea`. The element type decides.

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }
    package var encodedSize: Int { Element.encodedArraySize(self) }
    package func encode(into buffer: inout [UInt8]) { Element.encodeArray(self, into: &buffer) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> [Element] {
        try Element.decodeArray(bytes, type: type)
    }
}

/// Arrays of `bytea`.
extension Array: PostgresArrayElement where Element == UInt8 {
    package static var postgresArrayType: PostgresType { .byteaArray }
}
