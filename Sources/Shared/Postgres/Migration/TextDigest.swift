/// 64 bits of FNV-1a over texts: tells an edited one, not a forged one.
struct TextDigest {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    /// As hexadecimal digits, always sixteen.
    var digits: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    mutating func add(_ text: String) {
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
}
