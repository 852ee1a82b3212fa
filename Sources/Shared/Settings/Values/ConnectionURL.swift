/// Checks and hides parts of URLs, without judging more than every later reader of the URL would refuse too.
package enum ConnectionURL {
    /// What keeps `text` from being a URL of one of these schemes; nil when it is one. Never quotes the URL.
    /// - Parameters:
    ///   - mayLackHost: no host is a meaning, too.
    ///   - isStrict: an @ may only stand before the hosts, as in the URLs of servers: anywhere else it comes from a
    ///     password that isn't encoded, and part of that would be taken, and told, for a host.
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
        let user = authority.prefix { $0 != "@" }
        if user.endIndex < authority.endIndex, !user.contains(":"), holdsColon(user) {
            return "has user and password encoded together: the colon between them stays as it is, not %3A"
        }
        return rest.contains("\"") ? "has a quote: write %22 for it" : nil
    }

    /// The URL with what may be secret replaced by `***`: the password, a user that may hold one, of a server the
    /// options from the first on that isn't known to be harmless, of a service the query, the fragment and the user. A
    /// text that isn't a URL is hidden as a whole, and so is one whose password might be anywhere.
    package static func redacted(_ text: String) -> String {
        guard let separator = firstRange(of: "://", in: text) else { return "***" }
        let scheme = text[..<separator.upperBound]
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        if scheme.lowercased().hasPrefix("http") {
            return "\(scheme)\(redactedService(rest, authority) ?? "***")"
        }
        guard let last = rest.lastIndex(of: "@") else { return "\(scheme)\(withoutSecretOptions(rest))" }
        // Any other @ may end a piece of a password that isn't encoded.
        guard last < authority.endIndex, rest.firstIndex(of: "@") == last else { return "\(scheme)***" }
        let user = authority[..<last].prefix { $0 != ":" }
        let shown = holdsColon(user) ? "***" : String(user)
        return "\(scheme)\(shown)\(user.endIndex == last ? "" : ":***")\(withoutSecretOptions(rest[last...]))"
    }

    /// Nil where a piece of a password may stand anywhere.
    private static func redactedService(_ rest: Substring, _ authority: Substring) -> String? {
        let plain = rest.prefix { $0 != "?" && $0 != "#" }
        let query = plain.endIndex == rest.endIndex ? "" : "\(rest[plain.endIndex])***"
        guard let last = rest.lastIndex(of: "@") else { return "\(plain)\(query)" }
        if let at = authority.lastIndex(of: "@") {
            // A service's user without a password is usually a token.
            return at == last ? "***\(plain[at...])\(query)" : nil
        }
        // Either a path such as /@me, or the end of a user or password that holds a slash, a ? or a #.
        let isPath =
            plain.endIndex > authority.endIndex && !rest[..<last].contains(":")
            && plain.indices.allSatisfy { plain[$0] != "@" || plain[..<$0].last == "/" }
        return isPath ? "\(plain)\(query)" : nil
    }

    /// Whether a user is a user and a password that were encoded together, once or more often.
    private static func holdsColon(_ user: Substring) -> Bool {
        var text = user.lowercased()
        while text.contains("%25") { text = text.replacing("%25", with: "%") }
        return text.contains("%3a")
    }

    /// Up to the first option that isn't known to be harmless: it may be a secret, and what follows it may be a part of
    /// its value that isn't encoded.
    private static func withoutSecretOptions(_ text: Substring) -> String {
        guard let mark = text.firstIndex(where: { $0 == "?" || $0 == "#" }) else { return String(text) }
        guard text[mark] == "?" else { return "\(text[...mark])***" }
        for option in text[text.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false) {
            let name = option.prefix { $0 != "=" }
            if harmless.contains(String(name)), !option.contains("#") { continue }
            // Without a value the name itself may be anything.
            return name.endIndex == option.endIndex
                ? "\(text[..<option.startIndex])***" : "\(text[...name.endIndex])***"
        }
        return String(text)
    }

    /// Options of both servers whose values are shown.
    private static let harmless: Set<String> = [
        "heartbeat", "connection_timeout", "cacertfile", "certfile", "verify", "server_name_indication",
        "host", "hostaddr", "port", "dbname", "application_name", "fallback_application_name", "client_encoding",
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout", "target_session_attrs", "load_balance_hosts", "sslmode", "sslnegotiation", "sslrootcert",
        "sslcert", "sslcrl", "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "gssencmode",
        "require_auth", "options", "ssl",
    ]

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
