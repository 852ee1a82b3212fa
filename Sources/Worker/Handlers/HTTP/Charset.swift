/// Texts in the charsets that programs and services still write, made UTF-8.
enum Charset {
    private static let utf8Mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The same text as UTF-8 without a byte order mark; nil where the bytes are not in the charset, or it isn't known.
    ///
    /// A mark in front wins over the name; with neither it must be UTF-8.
    /// - Parameter name: lower case, such as `utf-8`, `iso-8859-1` or `utf-16le`.
    static func utf8(_ bytes: [UInt8], named name: String?) -> [UInt8]? {
        if bytes.starts(with: utf8Mark) { return isUTF8(bytes) ? withoutMark(bytes) : nil }
        if bytes.starts(with: [0xFF, 0xFE]) { return utf16(bytes.dropFirst(2), isBigEndian: false) }
        if bytes.starts(with: [0xFE, 0xFF]) { return utf16(bytes.dropFirst(2), isBigEndian: true) }
        switch name {
        case nil, "", "utf-8", "utf8", "us-ascii", "ascii", "binary": return isUTF8(bytes) ? bytes : nil
        case "iso-8859-1", "iso8859-1", "latin1", "latin-1", "iso_8859-1", "l1", "windows-1252", "cp1252":
            return windows1252(bytes)
        case "utf-16", "utf-16be": return utf16(bytes[...], isBigEndian: true)
        case "utf-16le": return utf16(bytes[...], isBigEndian: false)
        default: return nil
        }
    }

    static func isUTF8(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }

    static func withoutMark(_ bytes: [UInt8]) -> [UInt8] {
        bytes.starts(with: utf8Mark) ? Array(bytes.dropFirst(utf8Mark.count)) : bytes
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> [UInt8]? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        let units = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { index in
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            return isBigEndian ? first << 8 | second : second << 8 | first
        }
        return String(validating: units, as: UTF16.self).map { Array($0.utf8) }
    }

    /// What calls itself Latin-1 is this nearly always; the two differ only where Latin-1 has control characters.
    private static func windows1252(_ bytes: [UInt8]) -> [UInt8] {
        var text = String.UnicodeScalarView()
        for byte in bytes {
            let code = (0x80...0x9F).contains(byte) ? punctuation[Int(byte - 0x80)] : UInt16(byte)
            text.append(Unicode.Scalar(code) ?? "\u{FFFD}")
        }
        return Array(String(text).utf8)
    }

    /// 0x80 to 0x9F; the five that are not assigned stay what they are.
    private static let punctuation: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]
}
