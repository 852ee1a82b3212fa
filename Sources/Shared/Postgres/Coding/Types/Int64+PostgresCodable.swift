/// `int8`, read from any integer type.
extension Int64: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package var encodedSize: Int { 8 }

    package func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Int64 {
        let wide = try bytes.integer(of: type)
        guard let value = Int64(exactly: wide) else { throw .outOfRange("\(wide) as Int64") }
        return value
    }
}
