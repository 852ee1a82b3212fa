/// What the escapes of a JSON string stand for.
enum JSONEscapes {
    /// Appends what a string says, as UTF-8. Half a surrogate pair, which is no character, is written as if it were one,
    /// so that two that differ stay different.
    ///
    /// - Parameter quoted: the string without its quotes; its escapes are whole.
    static func append(_ quoted: ArraySlice<UInt8>, to text: inout [UInt8]) {
        var index = quoted.startIndex
        while index < quoted.endIndex {
            let byte = quoted[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < quoted.endIndex else {
                text.append(byte)
                continue
            }
            let escape = quoted[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): append(scalar(quoted, &index), to: &text)
            default: text.append(escape)
            }
        }
    }

    /// The code point of `\uXXXX`, or of two such that are a pair; the index stands behind the `u`.
    private static func scalar(_ quoted: ArraySlice<UInt8>, _ index: inout Int) -> UInt32 {
        let high = unit(quoted, &index)
        guard (0xD800...0xDBFF).contains(high), index + 1 < quoted.endIndex, quoted[index] == UInt8(ascii: "\\"),
            quoted[index + 1] == UInt8(ascii: "u")
        else { return high }
        var next = index + 2
        let low = unit(quoted, &next)
        guard (0xDC00...0xDFFF).contains(low) else { return high }
        index = next
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private static func unit(_ quoted: ArraySlice<UInt8>, _ index: inout Int) -> UInt32 {
        var value: UInt32 = 0
        let end = min(index + 4, quoted.endIndex)
        while index < end {
            value = value << 4 | UInt32(digit(quoted[index]))
            index += 1
        }
        return value
    }

    private static func digit(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: 0
        }
    }

    private static func append(_ code: UInt32, to text: inout [UInt8]) {
        switch code {
        case ..<0x80: text.append(UInt8(code))
        case ..<0x800: text += [0xC0 | UInt8(code >> 6), rest(code)]
        case ..<0x10000: text += [0xE0 | UInt8(code >> 12), rest(code >> 6), rest(code)]
        default: text += [0xF0 | UInt8(code >> 18 & 7), rest(code >> 12), rest(code >> 6), rest(code)]
        }
    }

    private static func rest(_ code: UInt32) -> UInt8 { 0x80 | UInt8(code & 0x3F) }
}
