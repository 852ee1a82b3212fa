/// `int4`, read from any integer type when the value fits.
extension Int32: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int4 }
    package static var postgresArrayType: PostgresType { .int4Array }
    package var encodedSize: Int { 4 }

    package func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Int32 {
        let wide = try bytes.integer(of: type)
        guard let value = Int32(exactly: wide) else { throw .outOfRange("\(wide) as Int32") }
        return value
    }
}
