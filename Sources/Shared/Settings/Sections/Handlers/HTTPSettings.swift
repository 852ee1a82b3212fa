import Yams

/// A service that is sent a POST for each attempt.
package struct HTTPSettings: Sendable, Equatable {
    /// The address, `http` or `https`. May hold a secret. Key `url`.
    package var url: String
    /// Headers added to each request, by name. Default none. May hold secrets. Key `headers`.
    package var headers: [String: String]
    /// The response header that carries the cost in dollars. Default nil: the cost is read from the body.
    /// Key `cost_header`.
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

extension HTTPSettings {
    /// The key it stands under in an entry of `handlers`.
    static let key = "http"
    private static let headerRule = "use letters, digits and -"

    /// What the block says; nil with mistakes noted.
    init?(_ field: Field) {
        let keys = ["url", "headers", "cost_header"]
        guard let section = Section(field)?.knowing(keys, holdsSecrets: true) else { return nil }
        let headers = section.section("headers").map(Self.headers(in:)) ?? [:]
        let costHeader = section["cost_header"]?.text(expected: "the name of a header")
        if let costHeader, !NameRule.isHeaderName(costHeader) {
            section["cost_header"]?.fail("should be the name of a header: \(Self.headerRule)")
        }
        guard let address = section["url"] else {
            section.fail("has no url: set url: https://...")
            return nil
        }
        guard let url = address.url(to: .service) else { return nil }
        self.init(url: url, headers: headers, costHeader: costHeader, shownURL: address.node.scalar?.string)
    }

    private static func headers(in section: Section) -> [String: String] {
        var headers: [String: String] = [:]
        let rule = "\(headerRule); its value stands behind the name and a colon, in quotes of its own"
        for (name, value) in section.named("header", rule, holdsSecrets: true, where: NameRule.isHeaderName) {
            // A name alone, as in `{s3cret}`, may be a value that lacks its name.
            if value.isAbsent {
                section.fail("has a header without a value: give it one, if only \"\"")
            } else {
                headers[name] = headerValue(value)
            }
        }
        return headers
    }

    private static func headerValue(_ field: Field) -> String? {
        guard let value = field.secret(expected: "a header's value") else { return nil }
        let isPrintable = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
        if isPrintable { return value }
        field.fail("holds a line break or another control character, which no header may")
        return nil
    }

    var shown: ShownValue {
        var entries: [(key: String, value: ShownValue)] = [("url", .text(shownURL))]
        if !headers.isEmpty { entries.append(("headers", .named(headers) { _ in .hidden })) }
        if let costHeader { entries.append(("cost_header", .text(costHeader))) }
        return .block(entries)
    }
}
