/// `[UInt8]` is `bytea`.
extension UInt8: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .bytea }

    package static func encodedArraySize(_ elements: [UInt8]) -> Int { elements.count }

    package static func encodeArray(_ elements: [UInt8], into buffer: inout [UInt8]) {
        buffer.append(contentsOf: elements)
    }

    package static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> [UInt8] {
        guard type == .bytea else { throw .wrongType(type) }
        return unsafe bytes.withUnsafeBytes { bytes in unsafe Array(bytes) }
    }
}
