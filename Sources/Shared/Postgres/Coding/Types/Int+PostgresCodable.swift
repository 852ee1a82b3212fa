/// `int8`, read from any integer type.
extension Int: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package var encodedSize: Int { 8 }

    package func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: Int64(self)) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Int {
        let wide = try bytes.integer(of: type)
        guard let value = Int(exactly: wide) else { throw .outOfRange("\(wide) as Int") }
        return value
    }
}
