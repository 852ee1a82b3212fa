package import FoundationEssentials

extension UUID {
    /// Reads the 36 characters of RFC 9562, in either case; nil for anything else.
    ///
    /// `init(uuidString:)` also takes a sign or a blank for a digit, and whatever follows a NUL: it makes an id of texts
    /// that are none, and the same id of different texts.
    package init?(strict text: String) {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard groups.map(\.count) == [8, 4, 4, 4, 12], groups.joined().allSatisfy(Self.isHexDigit) else { return nil }
        self.init(uuidString: text)
    }

    /// The 36 characters in lower case, as PostgreSQL and every command print it: what is logged can be looked for.
    package var text: String { uuidString.lowercased() }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
