extension RawSpan {
    /// Reads an integer in network byte order; throws when the bytes end before it does.
    func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        _ number: Number.Type, at offset: Int
    ) throws(DecodingFault) -> Number {
        guard offset >= 0, offset <= byteCount - MemoryLayout<Number>.size else {
            throw .malformed("\(byteCount) bytes end before an integer at \(offset)")
        }
        return Number(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// Reads any of the server's integer types, widened.
    func integer(of type: PostgresType) throws(DecodingFault) -> Int64 {
        switch type {
        case .int8: try exactly(Int64.self)
        case .int4: Int64(try exactly(Int32.self))
        case .int2: Int64(try exactly(Int16.self))
        case .oid: Int64(try exactly(UInt32.self))
        default: throw .wrongType(type)
        }
    }

    /// Reads an integer that fills the field.
    func exactly<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) throws(DecodingFault) -> Number {
        guard byteCount == MemoryLayout<Number>.size else {
            throw .malformed("\(byteCount) bytes where \(MemoryLayout<Number>.size) belong")
        }
        return try bigEndian(type, at: 0)
    }
}
