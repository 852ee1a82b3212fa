/// `float8`, read from `float4` too. Never use it for money: that is `numeric` or a count of its smallest unit.
extension Double: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .float8 }
    package static var postgresArrayType: PostgresType { .float8Array }

    package func encode(into buffer: inout [UInt8]) { buffer.append(bigEndian: bitPattern) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Double {
        switch type {
        case .float8: Double(bitPattern: try bytes.exactly(UInt64.self))
        case .float4: Double(Float(bitPattern: try bytes.exactly(UInt32.self)))
        default: throw .wrongType(type)
        }
    }
}
