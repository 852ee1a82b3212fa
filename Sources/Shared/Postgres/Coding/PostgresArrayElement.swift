internal import FoundationEssentials

/// A type whose Swift arrays travel as one parameter or column: a one-dimensional server array, or `bytea` for bytes.
package protocol PostgresArrayElement: Sendable {
    /// The server's type for a Swift array of these.
    static var postgresArrayType: PostgresType { get }

    /// About how many bytes the encoded array takes.
    static func encodedArraySize(_ elements: [Self]) -> Int

    /// Appends the whole array in the server's binary format, in one pass.
    static func encodeArray(_ elements: [Self], into buffer: inout [UInt8])

    /// Reads a whole array.
    static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> [Self]
}

// Claims and finishes carry their batches as such arrays: those of their types are compiled for each, because to look up
// how an element is written takes longer than to write it.
extension PostgresArrayElement where Self: PostgresEncodable {
    @specialized(where Self == UUID)
    @specialized(where Self == Bool)
    @specialized(where Self == Int64)
    @specialized(where Self == Int64?)
    @specialized(where Self == Int32?)
    @specialized(where Self == String)
    @specialized(where Self == String?)
    @specialized(where Self == Date?)
    @specialized(where Self == [UInt8]?)
    @specialized(where Self == JSONText?)
    package static func encodedArraySize(_ elements: [Self]) -> Int {
        var size = 20 + 4 * elements.count
        for element in elements { size += element.encodedSize }
        return size
    }

    @specialized(where Self == UUID)
    @specialized(where Self == Bool)
    @specialized(where Self == Int64)
    @specialized(where Self == Int64?)
    @specialized(where Self == Int32?)
    @specialized(where Self == String)
    @specialized(where Self == String?)
    @specialized(where Self == Date?)
    @specialized(where Self == [UInt8]?)
    @specialized(where Self == JSONText?)
    package static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) {
        guard !elements.isEmpty else {
            // An empty array has no dimension at all.
            buffer.append(bigEndian: Int32(0))
            buffer.append(bigEndian: Int32(0))
            buffer.append(bigEndian: postgresType.rawValue)
            return
        }
        buffer.append(bigEndian: Int32(1))
        buffer.append(bigEndian: Int32(elements.contains { element in element.isNull } ? 1 : 0))
        buffer.append(bigEndian: postgresType.rawValue)
        buffer.append(bigEndian: Int32(clamping: elements.count))
        buffer.append(bigEndian: Int32(1))
        for element in elements {
            guard !element.isNull else {
                buffer.append(bigEndian: Int32(-1))
                continue
            }
            let start = buffer.count
            buffer.append(bigEndian: Int32(0))
            element.encode(into: &buffer)
            buffer.overwrite(bigEndian: Int32(clamping: buffer.count - start - 4), at: start)
        }
    }
}

extension PostgresArrayElement where Self: PostgresDecodable {
    package static func decodeArray(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> [Self] {
        let dimensions = try bytes.bigEndian(Int32.self, at: 0)
        let elementType = PostgresType(rawValue: try bytes.bigEndian(UInt32.self, at: 8))
        guard dimensions != 0 else { return [] }
        guard dimensions == 1 else { throw .malformed("an array of \(dimensions) dimensions, only one is readable") }
        let count = Int(try bytes.bigEndian(Int32.self, at: 12))
        guard count >= 0, count <= bytes.byteCount / 4 else { throw .malformed("an array of \(count) elements") }
        var elements: [Self] = []
        elements.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            let length = Int(try bytes.bigEndian(Int32.self, at: offset))
            offset += 4
            guard length >= 0 else {
                elements.append(try decodeNull())
                continue
            }
            guard length <= bytes.byteCount - offset else { throw .malformed("an array element of \(length) bytes") }
            elements.append(try decode(bytes.extracting(offset..<offset + length), type: elementType))
            offset += length
        }
        return elements
    }
}
