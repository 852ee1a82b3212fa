/// The parts of an AMQP URL, percent-decoded, with the defaults filled in.
struct BrokerURL {
    private(set) var usesTLS = false
    private(set) var host = "localhost"
    private(set) var port = 5672
    private(set) var user = "guest"
    private(set) var password = "guest"
    private(set) var virtualHost = "/"
    private(set) var query: [String: String] = [:]

    /// - Throws: ``AMQPError/invalidURL(_:)``; the text quotes no part that could hold the password.
    init(_ url: String) throws(AMQPError) {
        var rest = url[...]
        if rest.hasPrefix("amqps://") {
            usesTLS = true
            port = 5671
            rest = rest.dropFirst("amqps://".count)
        } else if rest.hasPrefix("amqp://") {
            rest = rest.dropFirst("amqp://".count)
        } else {
            throw .invalidURL("it must start with amqp:// or amqps://")
        }
        if rest.contains(where: { $0.isWhitespace }) { throw .invalidURL("it contains white space") }
        if let mark = rest.firstIndex(of: "?") {
            query = try Self.pairs(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            let path = rest[rest.index(after: slash)...]
            if path.contains("/") { throw .invalidURL("a slash in the virtual host must be written %2F") }
            if !path.isEmpty { virtualHost = try Self.decode(path, "virtual host") }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decode(credentials[0], "user")
            password = credentials.count > 1 ? try Self.decode(credentials[1], "password") : ""
            rest = rest[rest.index(after: at)...]
        }
        try parseAddress(rest)
        for text in [host, user, password, virtualHost] where text.utf8.contains(0) {
            throw .invalidURL("it contains a zero byte")
        }
    }

    private mutating func parseAddress(_ address: Substring) throws(AMQPError) {
        var rest = address
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else {
                throw .invalidURL("the bracket of the address is not closed")
            }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            host = try Self.decode(rest[..<end], "host")
            rest = rest[end...]
        }
        if host.isEmpty { throw .invalidURL("the host is missing") }
        guard !rest.isEmpty else { return }
        guard rest.first == ":", let number = Int(rest.dropFirst()), (1...65535).contains(number) else {
            throw .invalidURL("the port must be 1 to 65535")
        }
        port = number
    }

    private static func pairs(_ text: Substring) throws(AMQPError) -> [String: String] {
        var pairs: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            pairs[try decode(halves[0], "query")] = halves.count > 1 ? try decode(halves[1], "query") : ""
        }
        return pairs
    }

    private static func decode(_ text: Substring, _ part: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var index = text.utf8.startIndex
        let utf8 = text.utf8
        while index < utf8.endIndex {
            if utf8[index] == UInt8(ascii: "%") {
                guard let end = utf8.index(index, offsetBy: 3, limitedBy: utf8.endIndex),
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
