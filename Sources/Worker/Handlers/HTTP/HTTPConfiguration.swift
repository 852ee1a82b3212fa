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
        // What stands before an @ may be a password, also where the address is not well formed.
        guard let at = plain.lastIndex(of: "@") else { return String(plain) }
        let scheme = plain.firstIndex(of: ":").map { plain[..<$0] } ?? ""
        return "\(scheme)://\(plain[plain.index(after: at)...])"
    }
}

extension HTTPConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "POST \(redactedURL) with \(headers.count) headers" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["request": description]) }
}
