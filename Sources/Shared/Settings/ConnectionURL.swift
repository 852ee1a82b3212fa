/// Checks and hides parts of URLs, without judging more than every later reader of the URL would refuse too.
package enum ConnectionURL {
    /// What keeps `text` from being a URL of one of these schemes; nil when it is one. Never quotes the URL.
    /// - Parameters:
    ///   - mayLackHost: no host is a meaning, too.
    ///   - isStrict: an @ may only stand before the hosts, as in the URLs of servers: anywhere else it comes from a password
    ///     that isn't encoded, and part of that would be taken, and told, for a host.
    package static func flaw(
        in text: String, schemes: [String], mayLackHost: Bool = false, isStrict: Bool = false
    ) -> String? {
        let expected = schemes.map { "\($0)://" }.joined(separator: " or ")
        guard let separator = firstRange(of: "://", in: text) else {
            return SecretText.flaw(in: text) ?? "is no URL: it should start with \(expected)"
        }
        guard schemes.contains(text[..<separator.lowerBound].lowercased()) else {
            return SecretText.flaw(in: text) ?? "should start with \(expected)"
        }
        if let flaw = SecretText.flaw(in: text) { return "\(flaw), or write it as %20 or the like" }
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        if isStrict, let flaw = strictFlaw(rest, authority) { return flaw }
        let hosts = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if hosts.isEmpty, !mayLackHost { return "names no host" }
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) where !hosts.isEmpty {
            if let flaw = flaw(inHost: host, mayLackHost: mayLackHost) { return flaw }
        }
        return brokenEscape(rest)
    }

    private static func strictFlaw(_ rest: Substring, _ authority: Substring) -> String? {
        if rest.count(where: { $0 == "@" }) > min(1, authority.count(where: { $0 == "@" })) {
            return "has an @ besides the one before the hosts: in user, password and values write %40 for @, %3A for "
                + ":, %2F for /, %3F for ? and %23 for #"
        }
        if rest.contains("#") { return "has a #: write %23 for it" }
        return rest.contains("\"") ? "has a quote: write %22 for it" : nil
    }

    /// The URL with the password and the values of secret-looking parameters replaced by `***`. A text that isn't a URL
    /// is hidden as a whole, and so is one whose password might be anywhere.
    package static func redacted(_ text: String) -> String {
        guard let separator = firstRange(of: "://", in: text) else { return "***" }
        let scheme = text[..<separator.upperBound]
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let count = rest.count { $0 == "@" }
        guard count > 0 else { return scheme + withoutSecretValues(rest) }
        guard count == 1, let at = authority.lastIndex(of: "@") else {
            // The @ may end a password that holds an unescaped one, or a slash.
            guard let last = rest.lastIndex(of: "@"), rest[..<last].contains(":") else {
                return scheme + withoutSecretValues(rest)
            }
            return "\(scheme)***"
        }
        let user = authority[..<at]
        let isService = scheme.lowercased().hasPrefix("http")
        // A service's user without a password is usually a token.
        let shown = user.firstIndex(of: ":").map { isService ? "***" : "\(user[..<$0]):***" }
        return scheme + (shown ?? (isService ? "***" : String(user))) + withoutSecretValues(rest[at...])
    }

    /// Up to the first parameter that looks secret: what follows it may be a part of its value that isn't encoded.
    private static func withoutSecretValues(_ text: Substring) -> String {
        guard let mark = text.firstIndex(of: "?") else { return String(text) }
        let start = text.index(after: mark)
        for parameter in text[start...].split(separator: "&", omittingEmptySubsequences: false) {
            guard let equals = parameter.firstIndex(of: "="), looksSecret(parameter[..<equals]) else { continue }
            return "\(text[...equals])***"
        }
        return String(text)
    }

    private static func looksSecret(_ name: Substring) -> Bool {
        let name = name.lowercased()
        return ["pass", "secret", "token", "key", "auth", "sig", "credential"].contains {
            firstRange(of: $0, in: name) != nil
        }
    }

    private static func flaw(inHost host: Substring, mayLackHost: Bool) -> String? {
        var port: Substring?
        var name = host
        if host.hasPrefix("[") {
            guard let bracket = host.firstIndex(of: "]") else {
                return "has an IPv6 address without its closing bracket"
            }
            name = host[host.index(after: host.startIndex)..<bracket]
            let tail = host[host.index(after: bracket)...]
            if !tail.isEmpty {
                guard tail.hasPrefix(":") else { return "has something between the IPv6 address and the port" }
                port = tail.dropFirst()
            }
        } else if let colon = host.firstIndex(of: ":") {
            name = host[..<colon]
            port = host[host.index(after: colon)...]
        }
        if name.isEmpty, !mayLackHost { return "names no host" }
        guard let port else { return nil }
        guard let number = UInt16(port), number > 0, port.allSatisfy(\.isNumber) else {
            return "has a port that isn't a number from 1 to 65535"
        }
        return nil
    }

    private static func brokenEscape(_ text: Substring) -> String? {
        let bytes = Array(text.utf8)
        for index in bytes.indices where bytes[index] == UInt8(ascii: "%") {
            let digits = bytes[(index + 1)...].prefix(2)
            if digits.count < 2 || !digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) {
                return "holds a % that isn't followed by two hexadecimal digits: write %25 for a plain one"
            }
            if digits.elementsEqual("00".utf8) { return "holds a zero byte (%00)" }
        }
        return nil
    }

    private static func firstRange(of needle: String, in text: String) -> Range<String.Index>? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(needle) { return start..<text.index(start, offsetBy: needle.count) }
            start = text.index(after: start)
        }
        return nil
    }
}
