package import FoundationEssentials

extension UUID {
    /// Reads the 36 characters of RFC 9562, in either case; nil for anything else.
    ///
    /// `init(uuidString:)` also takes a sign or a blank for a digit, and whatever follows a NUL: it makes an id of texts
    /// that are none, and the same id of different texts.
    package init?(strict text: String) {
        let bytes = text.utf8.span
        guard bytes.count == 36 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for place in bytes.indices {
            let byte = bytes[place]
            if place == 8 || place == 13 || place == 18 || place == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.value(ofHexDigit: byte) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        self.init(high: high, low: low)
    }

    private init(high: UInt64, low: UInt64) {
        func byte(_ place: UInt64, of half: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: half >> (56 - place * 8)) }
        self.init(
            uuid: (
                byte(0, of: high), byte(1, of: high), byte(2, of: high), byte(3, of: high), byte(4, of: high),
                byte(5, of: high), byte(6, of: high), byte(7, of: high), byte(0, of: low), byte(1, of: low),
                byte(2, of: low), byte(3, of: low), byte(4, of: low), byte(5, of: low), byte(6, of: low),
                byte(7, of: low)
            ))
    }

    /// The 36 characters in lower case, as PostgreSQL and every command print it: what is logged can be looked for.
    package var text: String {
        let id = uuid
        let bytes: InlineArray<16, UInt8> = [
            id.0, id.1, id.2, id.3, id.4, id.5, id.6, id.7, id.8, id.9, id.10, id.11, id.12, id.13, id.14, id.15,
        ]
        return unsafe String(unsafeUninitializedCapacity: 36) { characters in
            var place = 0
            func append(_ character: UInt8) {
                unsafe characters[place] = character
                place += 1
            }
            for index in bytes.indices {
                if index == 4 || index == 6 || index == 8 || index == 10 { append(UInt8(ascii: "-")) }
                append(Self.hexDigit(bytes[index] >> 4))
                append(Self.hexDigit(bytes[index] & 15))
            }
            return place
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func value(ofHexDigit byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
