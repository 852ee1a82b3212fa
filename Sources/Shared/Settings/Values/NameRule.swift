/// Which names lanes, kinds and headers may have.
package enum NameRule {
    /// ``isLane(_:)`` in words.
    package static let laneRule = "use 1 to 63 of a-z, 0-9, _ and -, a letter or digit first"
    /// ``isKind(_:)`` in words.
    package static let kindRule = "use 1 to 100 of a-z, 0-9, ., _ and -, a letter or digit first"

    /// ``isModel(_:)`` in words.
    package static let modelRule = "use 1 to 100 of a-z, A-Z, 0-9, ., _, -, /, : and @, a letter or digit first"

    /// Whether the text can name a lane: it becomes part of the name of a queue.
    package static func isLane(_ text: String) -> Bool {
        matches(text, atMost: 63, alsoAllowed: "_-")
    }

    /// Whether the text can name a kind of work order.
    package static func isKind(_ text: String) -> Bool {
        matches(text, atMost: 100, alsoAllowed: "._-")
    }

    /// Whether the text can name a model, which stands in headers and in variables as it is.
    package static func isModel(_ text: String) -> Bool {
        matches(text.asciiLowercased, atMost: 100, alsoAllowed: "._-/:@")
    }

    /// Whether the text is a token of RFC 9110, as a header's name must be.
    static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLowercaseOrDigit($0 | 0x20) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    private static func matches(_ text: String, atMost limit: Int, alsoAllowed: StaticString) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= limit, isLowercaseOrDigit(first) else { return false }
        let others = alsoAllowed.description.utf8
        return text.utf8.allSatisfy { isLowercaseOrDigit($0) || others.contains($0) }
    }

    private static func isLowercaseOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

extension String {
    /// The text with A to Z made small and everything else as it is.
    fileprivate var asciiLowercased: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { "A"..."Z" ~= $0 ? Unicode.Scalar(UInt8($0.value) | 0x20) : $0 }))
    }
}
