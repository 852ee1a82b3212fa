package import FoundationEssentials

/// `uuid`.
extension UUID: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }
    package var encodedSize: Int { 16 }

    package func encode(into buffer: inout [UInt8]) {
        unsafe withUnsafeBytes(of: uuid) { bytes in unsafe buffer.append(contentsOf: bytes) }
    }

    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> UUID {
        guard type == .uuid else { throw .wrongType(type) }
        guard bytes.byteCount == 16 else { throw .malformed("a uuid of \(bytes.byteCount) bytes") }
        return UUID(uuid: unsafe bytes.unsafeLoadUnaligned(as: uuid_t.self))
    }
}
