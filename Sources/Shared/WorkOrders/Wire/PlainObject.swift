/// The members of a JSON object, one after the other, without a decoder's tree of them: what nearly every message needs.
///
/// For bytes that ``JSONSyntax`` accepts; of others it says something, or nothing, but reads no further than their end.
struct PlainObject {
    enum Value {
        /// A string without its quotes. An escape in it is still to be read.
        case text(Range<Int>, hasEscape: Bool)
        case number(Range<Int>)
        case null
        /// An object or a list, with its brackets.
        case nested(Range<Int>, hasEscape: Bool)
        case truth
    }

    struct Member {
        let name: Range<Int>
        let nameHasEscape: Bool
        let value: Value
    }

    let bytes: [UInt8]
    private var index: Int
    private let end: UInt8

    /// - Parameter range: an object or a list, with its brackets; default all. Nil: it is neither.
    init?(_ bytes: [UInt8], in range: Range<Int>? = nil) {
        self.bytes = bytes
        index = range?.lowerBound ?? 0
        while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
        guard index < bytes.count else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "{"): end = UInt8(ascii: "}")
        case UInt8(ascii: "["): end = UInt8(ascii: "]")
        default: return nil
        }
        index += 1
    }

    var isObject: Bool { end == UInt8(ascii: "}") }

    /// Nil after the last.
    mutating func nextMember() -> Member? {
        guard isObject, moveToNext() else { return nil }
        let (name, hasEscape) = takeString()
        while index < bytes.count, bytes[index] != UInt8(ascii: ":") { index += 1 }
        index += 1
        skipBlanks()
        guard let value = takeValue() else { return nil }
        return Member(name: name, nameHasEscape: hasEscape, value: value)
    }

    /// Of a list. Nil after the last.
    mutating func nextElement() -> Value? {
        guard !isObject, moveToNext() else { return nil }
        return takeValue()
    }

    private mutating func moveToNext() -> Bool {
        skipBlanks()
        if index < bytes.count, bytes[index] == UInt8(ascii: ",") {
            index += 1
            skipBlanks()
        }
        return index < bytes.count && bytes[index] != end
    }

    private mutating func takeValue() -> Value? {
        guard index < bytes.count else { return nil }
        let start = index
        switch bytes[index] {
        case UInt8(ascii: "\""):
            let (range, hasEscape) = takeString()
            return .text(range, hasEscape: hasEscape)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let hasEscape = skipNested()
            return .nested(start..<index, hasEscape: hasEscape)
        default:
            while index < bytes.count, !Self.endsScalar(bytes[index]) { index += 1 }
            switch bytes[start] {
            case UInt8(ascii: "n"): return .null
            case UInt8(ascii: "t"), UInt8(ascii: "f"): return .truth
            default: return .number(start..<index)
            }
        }
    }

    /// The string that begins here, without its quotes.
    private mutating func takeString() -> (Range<Int>, hasEscape: Bool) {
        index += 1
        let start = min(index, bytes.count)
        var hasEscape = false
        var end = PlainText.end(in: bytes, from: start)
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            if bytes[end] == UInt8(ascii: "\\") {
                hasEscape = true
                end += 1
            }
            end = PlainText.end(in: bytes, from: end + 1)
        }
        let range = start..<min(end, bytes.count)
        index = end + 1
        return (range, hasEscape)
    }

    private mutating func skipNested() -> Bool {
        var depth = 0
        var hasEscape = false
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                if takeString().hasEscape { hasEscape = true }
                continue
            default: break
            }
            index += 1
            if depth == 0 { break }
        }
        return hasEscape
    }

    private mutating func skipBlanks() {
        while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }
}
