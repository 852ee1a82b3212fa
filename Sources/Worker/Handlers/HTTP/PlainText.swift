/// Makes a program's or a service's words fit to be stored and shown.
enum PlainText {
    /// One paragraph of at most `limit` characters: control characters become blanks, blanks at the ends go.
    static func line(_ text: some StringProtocol, limit: Int = 300) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isBlank = scalar.value <= 0x20 || scalar.value == 0x7F || (0x80...0x9F).contains(scalar.value)
            guard isBlank else {
                line.append(scalar)
                continue
            }
            if let last = line.last, last != " " { line.append(" ") }
        }
        if line.last == " " { line.removeLast() }
        let words = String(line)
        return words.count > limit ? words.prefix(limit - 1) + "…" : words
    }

    /// The text as it is, without NUL; of more than `limit` bytes, the beginning and the end.
    static func whole(_ text: String, limit: Int = 65_536) -> String {
        let text = text.contains("\0") ? String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) : text
        let bytes = Array(text.utf8)
        guard bytes.count > limit else { return text }
        // A cut may stand inside a character: its pieces are left out, too.
        let beginning = bytes[..<(limit / 2)]
        let cut = beginning.lastIndex { $0 & 0xC0 != 0x80 } ?? 0
        let end = bytes[(bytes.count - limit / 2)...].drop { $0 & 0xC0 == 0x80 }
        return String(decoding: beginning[..<cut], as: UTF8.self)
            + "\n… \(bytes.count - cut - end.count) bytes are left out …\n" + String(decoding: end, as: UTF8.self)
    }

    /// The last line that says something, for a message that has nothing better.
    static func lastLine(of output: String?) -> String? {
        guard let output else { return nil }
        for candidate in output.split(whereSeparator: \.isNewline).reversed() {
            let words = line(candidate)
            if !words.isEmpty { return words }
        }
        return nil
    }
}
