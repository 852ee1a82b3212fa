package import Logging

/// Takes secrets out of what is about to be logged: the last net, not the first.
package enum Redaction {
    /// What stands in the place of a secret.
    package static let mark = "***"

    private static let secretWords: Set<Substring> = [
        "password", "passwd", "pwd", "passphrase", "secret", "token", "authorization", "credential", "credentials",
        "apikey", "cookie", "bearer",
    ]

    /// Whether a value under this key is a secret: one of its words says so (`db_password`, `authToken`, `api-key`).
    /// Counts such as `tokens_in` are none.
    package static func isSecret(key: String) -> Bool {
        let words = words(of: key)
        if words.contains(where: { secretWords.contains($0[...]) }) { return true }
        return zip(words, words.dropFirst()).contains { ["api", "private", "access"].contains($0) && $1 == "key" }
    }

    /// The metadata with secret values replaced, at every depth, and with no credentials left in any URL.
    package static func redacted(_ metadata: Logger.Metadata) -> Logger.Metadata {
        var result = metadata
        for (key, value) in metadata {
            result[key] = isSecret(key: key) ? .string(mark) : redacted(value)
        }
        return result
    }

    /// The text with `user:password@` in each URL cut down to `user:***@`, and secret parameters behind `?` hidden.
    package static func hidingCredentials(in text: String) -> String {
        let marker: StaticString = "://"
        guard firstMarker(marker, in: text.utf8[...]) != nil else { return text }
        var result = ""
        var rest = text.utf8[...]
        while let found = firstMarker(marker, in: rest) {
            let start = rest.index(found, offsetBy: 3)
            result += String(rest[..<start]) ?? ""
            rest = rest[start...]
            let end = rest.firstIndex { $0 <= 0x20 || "\"'<>`".utf8.contains($0) } ?? rest.endIndex
            result += hidden(String(rest[..<end]) ?? mark)
            rest = rest[end...]
        }
        return result + (String(rest) ?? "")
    }

    private static func redacted(_ value: Logger.MetadataValue) -> Logger.MetadataValue {
        switch value {
        case .string(let text): return .string(hidingCredentials(in: text))
        case .stringConvertible(let convertible):
            if convertible is any BinaryInteger || convertible is any BinaryFloatingPoint || convertible is Bool {
                return value
            }
            return .string(hidingCredentials(in: convertible.description))
        case .array(let items): return .array(items.map(redacted))
        case .dictionary(let entries): return .dictionary(redacted(entries))
        }
    }

    /// What follows `://` in a URL, with its secrets hidden.
    private static func hidden(_ rest: String) -> String {
        var result = ""
        var tail = rest[...]
        if let at = rest.lastIndex(of: "@") {
            let user = rest[..<at]
            result = user.firstIndex(of: ":").map { "\(user[..<$0]):\(mark)" } ?? String(user)
            tail = rest[at...]
        }
        guard let question = tail.firstIndex(of: "?") else { return result + tail }
        let parameters = tail[tail.index(after: question)...].split(separator: "&", omittingEmptySubsequences: false)
        let shown = parameters.map { parameter -> String in
            guard let equals = parameter.firstIndex(of: "=") else { return String(parameter) }
            let name = String(parameter[..<equals])
            return isSecret(key: name) || name == "key" || name == "sslpassword" || name == "sig"
                ? "\(name)=\(mark)" : String(parameter)
        }
        return result + tail[...question] + shown.joined(separator: "&")
    }

    private static func firstMarker(_ marker: StaticString, in text: Substring.UTF8View) -> String.Index? {
        var start = text.startIndex
        while let colon = text[start...].firstIndex(of: UInt8(ascii: ":")) {
            if text[colon...].starts(with: marker.description.utf8) { return colon }
            start = text.index(after: colon)
        }
        return nil
    }

    /// The lowercase words of a key in snake, kebab, dotted or camel case.
    private static func words(of key: String) -> [String] {
        var words: [String] = []
        var word = ""
        var previousWasLower = false
        for character in key {
            guard character.isLetter || character.isNumber else {
                words.append(word)
                word = ""
                previousWasLower = false
                continue
            }
            if character.isUppercase, previousWasLower {
                words.append(word)
                word = ""
            }
            previousWasLower = character.isLowercase
            word += character.lowercased()
        }
        return (words + [word]).filter { !$0.isEmpty }
    }
}
