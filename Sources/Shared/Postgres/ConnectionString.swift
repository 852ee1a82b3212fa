internal import CLibPQ

/// Checks and redacts libpq connection strings.
enum ConnectionString {
    /// Throws when libpq can't parse the string. The reason never quotes the string: it may hold a password.
    static func validate(_ url: String) throws(PostgresError) {
        guard url.contains("=") || url.contains("://") else { return }
        var message: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(url, &message)
        guard let options = unsafe options else {
            let text = unsafe message.map { text in unsafe String(cString: text) } ?? "out of memory"
            unsafe PQfreemem(message)
            throw .invalidConfiguration(reason: withoutQuotes(text))
        }
        unsafe PQconninfoFree(options)
    }

    /// The string with every password replaced by `***`.
    static func redacted(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return redactedPairs(url) }
        var rest = url[scheme.upperBound...]
        var result = String(url[..<scheme.upperBound])
        // The last @ rather than the first, and not only of the authority: a password may hold unescaped @ and / too.
        let credentialsEnd = rest.prefix { character in character != "?" }.lastIndex(of: "@") ?? rest.lastIndex(of: "@")
        if let at = credentialsEnd {
            let credentials = rest[..<at]
            let colon = credentials.firstIndex(of: ":")
            result += credentials[..<(colon ?? at)] + (colon == nil ? "" : ":***")
            rest = rest[at...]
        }
        return result + redactedPairs(String(rest))
    }

    /// Replaces the values of `password=` and `sslpassword=` up to the next separator.
    private static func redactedPairs(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "password") {
            result += rest[..<found.upperBound]
            rest = rest[found.upperBound...].drop { character in character == " " }
            guard rest.first == "=" else { continue }
            result += "=***"
            rest = rest.dropFirst().drop { character in character == " " }
            rest = dropValue(rest)
        }
        return result + rest
    }

    private static func dropValue(_ text: Substring) -> Substring {
        guard text.first == "'" else {
            return text.drop { character in character != "&" && !character.isWhitespace }
        }
        var rest = text.dropFirst()
        while let character = rest.popFirst(), character != "'" {
            if character == "\\" { rest = rest.dropFirst() }
        }
        return rest
    }

    /// libpq quotes the offending piece, which may be a password.
    private static func withoutQuotes(_ message: String) -> String {
        var isQuoted = false
        var result = ""
        for character in message where !character.isNewline {
            if character == "\"" {
                isQuoted.toggle()
                result += isQuoted ? "\"…" : "\""
            } else if !isQuoted {
                result.append(character)
            }
        }
        return result
    }
}
