/// A service that is sent a POST for each attempt.
package struct HTTPSettings: Sendable, Equatable {
    /// The address, `http` or `https`. May hold a secret.
    package var url: String
    /// Headers added to each request, by name. Default none. May hold secrets.
    package var headers: [String: String]
    /// The response header that carries the cost in dollars. Default nil: the cost is read from the body.
    package var costHeader: String?
    /// The address as written in the file, before `${NAME}` was filled in, without a password: what may be shown.
    package var shownURL: String

    /// A service; `shownURL` nil means the address without its password.
    package init(url: String, headers: [String: String] = [:], costHeader: String? = nil, shownURL: String? = nil) {
        self.url = url
        self.headers = headers
        self.costHeader = costHeader
        self.shownURL = ConnectionURL.redacted(shownURL ?? url)
    }
}
