/// Where what stands for itself in a JSON string ends: eight bytes at a time, as most of a message is what stands in its
/// texts.
enum PlainText {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first place from there on of a quote, an escape, or a control character, which is none of JSON's; the end where
    /// there is none.
    static func end(in bytes: [UInt8], from start: Int) -> Int {
        var index = start
        let raw = unsafe bytes.span.bytes
        while index <= bytes.count - 8 {
            let word = unsafe UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = special(word)
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count, isPlain(bytes[index]) { index += 1 }
        return index
    }

    /// The high bit of the first byte that isn't plain, and perhaps some of those after it: a borrow goes on upwards only.
    private static func special(_ word: UInt64) -> UInt64 {
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let escapes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let controls = (word &- ones &* 0x20) & ~word
        return (((quotes &- ones) & ~quotes) | ((escapes &- ones) & ~escapes) | controls) & highs
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }
}
