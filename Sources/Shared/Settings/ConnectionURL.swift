/// Checks and hides parts of URLs, without judging more than every later reader of the URL would refuse too.
package enum ConnectionURL {
    /// What keeps `text` from being a URL of one of these schemes; nil when it is one. Never quotes the URL.
    package static func flaw(in text: String, schemes: [String], mayLackHost: Bool = false) -> String? {
        let expected = schemes.map { "\($0)://" }.joined(separator: " or ")
        guard let separator = firstRange(of: "://", in: text) else {
            return "is no URL: it should start with \(expected)"
        }
        guard schemes.contains(text[..<separator.lowerBound].lowercased()) else {
            return "should start with \(expected)"
        }
        if text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F }) {
            return "holds a blank or a control character: write it as %20 or the like"
        }
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let hosts = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        if hosts.isEmpty, !mayLackHost { return "names no host" }
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) where !hosts.isEmpty {
            if let flaw = flaw(inHost: host, mayLackHost: mayLackHost) { return flaw }
        }
        return hasBrokenEscape(rest) ? "holds a % that isn't followed by two hexadecimal digits" : nil
    }

    /// The URL with the password and the values of secret-looking parameters replaced by `***`. A text that isn't a URL
    /// is hidden as a whole.
    package static func redacted(_ text: String) -> String {
        guard let separator = firstRange(of: "://", in: text) else { return "***" }
        var rest = text[separator.upperBound...]
        var result = String(text[..<separator.upperBound])
        let authority = rest.prefix { !"/?#".contains($0) }
        // A password that holds an unescaped slash moves the @ behind it: hide up to the last @ then.
        let end = authority.contains("@") ? authority.endIndex : rest.endIndex
        if let at = rest[..<end].lastIndex(of: "@") {
            let user = rest[..<at]
            result += user.firstIndex(of: ":").map { "\(user[..<$0]):***" } ?? String(user)
            rest = rest[at...]
        }
        guard let mark = rest.firstIndex(of: "?") else { return result + rest }
        let parameters = rest[rest.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
        let shown = parameters.map { parameter -> String in
            guard let equals = parameter.firstIndex(of: "="), looksSecret(parameter[..<equals]) else {
                return String(parameter)
            }
            return "\(parameter[...equals])***"
        }
        return result + rest[...mark] + shown.joined(separator: "&")
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

    private static func hasBrokenEscape(_ text: Substring) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.contains { index in
            guard bytes[index] == UInt8(ascii: "%") else { return false }
            let digits = bytes[(index + 1)...].prefix(2)
            return digits.count < 2 || !digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        }
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
