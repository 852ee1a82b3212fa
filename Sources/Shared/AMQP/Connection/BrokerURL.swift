/// The parts of an AMQP URL, percent-decoded, with the defaults filled in.
struct BrokerURL {
    private(set) var usesTLS = false
    /// In the order of the URL, each once; never empty.
    private(set) var addresses: [BrokerAddress] = []
    private(set) var user = "guest"
    private(set) var password = "guest"
    private(set) var virtualHost = "/"
    private(set) var options: [String: String] = [:]

    private static let plainOptions = ["heartbeat", "connection_timeout"]
    private static let tlsOptions = [
        "cacertfile", "certfile", "keyfile", "password", "verify", "server_name_indication",
    ]

    /// - Throws: ``AMQPError/invalidURL(_:)``; the text quotes no part that could hold the password.
    init(_ url: String) throws(AMQPError) {
        var rest = url[...]
        if rest.hasPrefix("amqps://") {
            usesTLS = true
            rest = rest.dropFirst("amqps://".count)
        } else if rest.hasPrefix("amqp://") {
            rest = rest.dropFirst("amqp://".count)
        } else {
            throw .invalidURL("it must start with amqp:// or amqps://")
        }
        if rest.contains(where: { $0.isWhitespace }) { throw .invalidURL("it contains white space") }
        let authority = rest.prefix { !"/?#".contains($0) }
        // An @ anywhere else comes from a password that isn't encoded, of which the wrong part would be taken for a host.
        guard authority.count(where: { $0 == "@" }) == rest.count(where: { $0 == "@" }),
            authority.count(where: { $0 == "@" }) <= 1
        else {
            throw .invalidURL("it has an @ besides the one before the hosts: write %40 for it, %2F for / and %3F for ?")
        }
        // First, so that what is no port is told as such, and no part of it as an option.
        try parseAuthority(authority)
        rest = rest[authority.endIndex...]
        if rest.contains("#") { throw .invalidURL("it has a #: write %23 for it") }
        if rest.contains("://") {
            throw .invalidURL("it holds another URL: name further hosts after a comma, as in amqp://u:p@h1,h2/vhost")
        }
        if let mark = rest.firstIndex(of: "?") {
            try parseOptions(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let path = rest.dropFirst()
        if path.contains("/") { throw .invalidURL("a slash in the virtual host must be written %2F") }
        if !path.isEmpty { virtualHost = try Self.decode(path, "virtual host") }
        for text in [user, password, virtualHost] + addresses.map(\.host) + options.values
        where text.utf8.contains(0) {
            throw .invalidURL("it contains a zero byte")
        }
    }

    private mutating func parseAuthority(_ authority: Substring) throws(AMQPError) {
        var hosts = authority
        if let at = authority.firstIndex(of: "@") {
            let credentials = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decode(credentials[0], "user")
            password = credentials.count > 1 ? try Self.decode(credentials[1], "password") : ""
            hosts = authority[authority.index(after: at)...]
        }
        for host in hosts.split(separator: ",", omittingEmptySubsequences: false) {
            let address = try Self.address(host, defaultPort: usesTLS ? 5671 : 5672)
            // Named twice it would only be tried twice.
            if !addresses.contains(address) { addresses.append(address) }
        }
    }

    private static func address(_ text: Substring, defaultPort: Int) throws(AMQPError) -> BrokerAddress {
        var rest = text
        let host: String
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else {
                throw .invalidURL("the bracket of the address is not closed")
            }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            host = try decode(rest[..<end], "host")
            rest = rest[end...]
        }
        if host.isEmpty { throw .invalidURL("a host is missing") }
        guard !rest.isEmpty else { return BrokerAddress(host: host, port: defaultPort) }
        guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65535).contains(port) else {
            throw .invalidURL("the port must be 1 to 65535")
        }
        return BrokerAddress(host: host, port: port)
    }

    private mutating func parseOptions(_ text: Substring) throws(AMQPError) {
        // What follows a secret may be a piece of it, behind an & that isn't encoded.
        var followsSecret = false
        for pair in text.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decode(halves[0], "name of an option")
            let value = halves.count > 1 ? try Self.decode(halves[1], "value of an option") : ""
            let isTLSOnly = Self.tlsOptions.contains(name)
            guard isTLSOnly || Self.plainOptions.contains(name) else {
                throw Self.unknown(name, isShown: halves.count > 1 && !followsSecret, hint: followsSecret)
            }
            followsSecret = followsSecret || name == "password"
            if isTLSOnly, !usesTLS { throw .invalidURL("the option \(name) needs TLS: start the URL with amqps://") }
            if value.isEmpty { throw .invalidURL("the option \(name) has no value") }
            guard options.updateValue(value, forKey: name) == nil else {
                throw .invalidURL("the option \(name) stands there twice: keep one")
            }
        }
    }

    private static func unknown(_ name: String, isShown: Bool, hint: Bool) -> AMQPError {
        // Anything else may be a secret that slipped into the name's place.
        let isWord =
            name.utf8.count <= 40
            && name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || Character(Unicode.Scalar(byte)).isLetter && byte < 128
            }
        return .invalidURL(
            "\(isWord && isShown && !name.isEmpty ? "the option \(name)" : "an option") isn't supported; these are: "
                + (plainOptions + tlsOptions).joined(separator: ", ")
                + (hint ? ". In a password write %26 for &" : ""))
    }

    private static func decode(_ text: Substring, _ part: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var index = text.utf8.startIndex
        let utf8 = text.utf8
        while index < utf8.endIndex {
            if utf8[index] == UInt8(ascii: "%") {
                guard let end = utf8.index(index, offsetBy: 3, limitedBy: utf8.endIndex),
                    utf8[utf8.index(after: index)] != UInt8(ascii: "+"),
                    let byte = UInt8(text[utf8.index(after: index)..<end], radix: 16)
                else { throw .invalidURL("a percent sign in the \(part) is not followed by two hexadecimal digits") }
                bytes.append(byte)
                index = end
            } else {
                bytes.append(utf8[index])
                utf8.formIndex(after: &index)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .invalidURL("the \(part) is not UTF-8")
        }
        return decoded
    }
}
