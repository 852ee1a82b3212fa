/// `int2`, read from wider integers too when the value fits.
extension Int16: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .int2Array }
    package var encodedSize: Int { 2 }

    package func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: self) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Int16 {
        let wide = try bytes.integer(of: type)
        guard let value = Int16(exactly: wide) else { throw .outOfRange("\(wide) as Int16") }
        return value
    }
}
