/// `bool`.
extension Bool: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .bool }
    package static var postgresArrayType: PostgresType { .boolArray }
    package var encodedSize: Int { 1 }

    package func encode(into buffer: inout [UInt8]) { buffer.append(self ? 1 : 0) }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Bool {
        guard type == .bool else { throw .wrongType(type) }
        return try bytes.exactly(UInt8.self) != 0
    }
}
