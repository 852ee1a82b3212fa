/// Where an `http` handler sends work orders: the `http:` part of a handler in `moose.yaml`, resolved.
package struct HTTPConfiguration: Sendable, Equatable {
    /// `http://` or `https://`.
    package var url: String
    /// Sent with every request, in addition to Moose's own; may hold secrets and is never printed.
    package var headers: [String: String]
    /// The response header that says what the attempt cost, in dollars; nil looks for `cost_usd` in a JSON body only.
    package var costHeader: String?

    package init(url: String, headers: [String: String] = [:], costHeader: String? = nil) {
        self.url = url
        self.headers = headers
        self.costHeader = costHeader
    }

    /// The address without user, password, query and fragment, which may hold secrets.
    package var redactedURL: String {
        let plain = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = plain.range(of: "://") else { return String(plain.drop { $0 != "@" }.isEmpty ? plain : "") }
        let rest = plain[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return plain[..<scheme.upperBound] + host + rest[authority.endIndex...]
    }
}

extension HTTPConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "POST \(redactedURL) with \(headers.count) headers" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["request": description]) }
}
