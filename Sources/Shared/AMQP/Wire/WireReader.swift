/// Reads encoded values one after the other, and never past their end.
struct WireReader {
    let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    var isAtEnd: Bool { position == end }

    mutating func byte() -> UInt8? {
        guard position < end else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number<T: FixedWidthInteger>(_: T.Type = T.self) -> T? {
        guard let range = skip(T.bitWidth / 8) else { return nil }
        return bytes[range].reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }

    /// - Returns: where the bytes stand that were passed by.
    mutating func skip(_ count: Int) -> Range<Int>? {
        guard count >= 0, count <= end - position else { return nil }
        defer { position += count }
        return position..<position + count
    }

    /// What stands behind a length of one byte.
    mutating func short() -> Range<Int>? { byte().flatMap { skip(Int($0)) } }

    /// What stands behind a length of four bytes.
    mutating func long() -> Range<Int>? { number(UInt32.self).flatMap { skip(Int($0)) } }
}
