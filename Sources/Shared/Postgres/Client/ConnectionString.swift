internal import CLibPQ
internal import Glibc

/// Checks and redacts libpq connection strings.
enum ConnectionString {
    /// Options that would change how Moose talks to the server, and the one value each may have.
    private static let fixed = [
        "client_encoding": ["utf8", "utf-8", "auto"], "replication": ["false", "off", "no", "0"],
    ]
    private static let numbers = [
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",
    ]
    private static let choices = [
        "sslmode": "disable, allow, prefer, require, verify-ca, verify-full",
        "target_session_attrs": "any, read-write, read-only, primary, standby, prefer-standby",
        "gssencmode": "disable, prefer, require",
        "channel_binding": "disable, prefer, require",
    ]
    /// A folder that can't be, so that libpq looks at every option and then finds no server.
    private static let nowhere = "/dev/null/moose"

    /// Throws when libpq can't use the string or the PG* variables: an unknown option, or a value that an option can't
    /// have. No server is asked. The reason never quotes a value: it may be a password.
    static func validate(_ url: String) throws(PostgresError) {
        var settings: [String: String] = [:]
        if url.contains("=") || url.contains("://") {
            if let scheme = url.firstRange(of: "://") { try checkStructure(url[scheme.upperBound...]) }
            settings = try parsed(url)
        }
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            if numbers.contains(name), Int32(value) == nil {
                throw .invalidConfiguration(reason: "The option \(name) should be a whole number")
            }
            if let allowed = fixed[name], !allowed.contains(value.lowercased()) {
                throw .invalidConfiguration(reason: "The option \(name) isn't supported but as \(allowed[0])")
            }
        }
        // Of the numbers only this one has a variable, which libpq looks at when it connects and not before.
        if settings["connect_timeout"] == nil, let value = variable("PGCONNECT_TIMEOUT"), Int32(value) == nil {
            throw .invalidConfiguration(reason: "PGCONNECT_TIMEOUT should be a whole number")
        }
        if let flaw = flaw(in: settings) { throw .invalidConfiguration(reason: flaw) }
    }

    /// An @ anywhere but before the hosts comes from a password that isn't encoded, of which a part would be taken for a
    /// host, and be told as one.
    private static func checkStructure(_ rest: Substring) throws(PostgresError) {
        let authority = rest.prefix { !"/?#".contains($0) }
        guard rest.count(where: { $0 == "@" }) <= min(1, authority.count(where: { $0 == "@" })) else {
            throw .invalidConfiguration(
                reason: "It has an @ besides the one before the hosts: write %40 for it, %2F for / and %3F for ?")
        }
        guard let mark = rest.firstIndex(of: "?") else { return }
        let known = keywords()
        // What follows a secret may be a piece of it, behind an & that isn't encoded.
        var followsSecret = false
        for pair in rest[rest.index(after: mark)...].split(separator: "&") {
            let name = String(pair.prefix { $0 != "=" })
            // JDBC's ssl=true is libpq's, too. An escaped name is left to libpq.
            if known.contains(name) || name == "ssl" || name.contains("%") {
                followsSecret = followsSecret || mayBeSecret(name)
                continue
            }
            let isWord =
                !name.isEmpty && name.utf8.count <= 40 && pair.contains("=")
                && name.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_") }
            throw .invalidConfiguration(
                reason: "\(isWord && !followsSecret ? "The option \(name)" : "An option") isn't supported; these are: "
                    + known.joined(separator: ", ") + (followsSecret ? ". In a password write %26 for &" : ""))
        }
    }

    /// Whether an option holds a secret, or may: an escaped name can be any.
    private static func mayBeSecret(_ option: String) -> Bool {
        ["%", "pass", "secret", "key"].contains { option.contains($0) }
    }

    /// The options that this libpq knows.
    private static func keywords() -> [String] {
        unsafe read(PQconndefaults()).map(\.name)
    }

    private static func parsed(_ url: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(url, &message) else {
            let text = unsafe message.map { text in unsafe String(cString: text) } ?? "out of memory"
            unsafe PQfreemem(message)
            throw .invalidConfiguration(reason: withoutQuotes(text))
        }
        var settings: [String: String] = [:]
        for (name, value) in unsafe read(options) { settings[name] = value }
        return settings
    }

    /// Takes the list over and frees it.
    private static func read(_ options: UnsafeMutablePointer<PQconninfoOption>?) -> [(name: String, value: String?)] {
        guard let options = unsafe options else { return [] }
        defer { unsafe PQconninfoFree(options) }
        var found: [(name: String, value: String?)] = []
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            let value = unsafe option.pointee.val.map { unsafe String(cString: $0) }
            unsafe found.append((String(cString: keyword), value))
            unsafe option += 1
        }
        return found
    }

    /// What libpq itself says against the options and the PG* variables, without asking any server.
    private static func flaw(in settings: [String: String]) -> String? {
        func count(_ name: String) -> Int {
            settings[name].map { $0.split(separator: ",", omittingEmptySubsequences: false).count } ?? 0
        }
        var hosts = count("host")
        let addresses = count("hostaddr")
        // Where the string says nothing the environment does: its hosts aren't to be asked, only counted.
        if hosts + addresses == 0 {
            if variable("PGHOSTADDR") != nil { return nil }
            hosts = variable("PGHOST")?.split(separator: ",", omittingEmptySubsequences: false).count ?? 0
        }
        if hosts > 0, addresses > 0, hosts != addresses { return "It has \(hosts) hosts and \(addresses) hostaddr" }
        var tried = settings
        tried["hostaddr"] = ""
        tried["host"] = Array(repeating: nowhere, count: max(1, hosts, addresses)).joined(separator: ",")
        // Or libpq looks for one in its password file, and complains of that on standard error.
        tried["password"] = tried["password"] ?? "none"
        let pairs = Array(tried)
        let keywords = unsafe pairs.map { unsafe UnsafePointer(strdup($0.key)) } + [nil]
        let values = unsafe pairs.map { unsafe UnsafePointer(strdup($0.value)) } + [nil]
        defer {
            for index in pairs.indices {
                unsafe free(UnsafeMutablePointer(mutating: keywords[index]))
                unsafe free(UnsafeMutablePointer(mutating: values[index]))
            }
        }
        guard let connection = unsafe PQconnectStartParams(keywords, values, 0) else { return nil }
        defer { unsafe PQfinish(connection) }
        let message = unsafe String(cString: PQerrorMessage(connection))
        let line = message.split(whereSeparator: \.isNewline).first { line in
            line.hasPrefix("invalid ") || !message.contains(nowhere)
        }
        guard let line else { return nil }
        let text = withoutQuotes(String(line))
        let choice = choices.first { text.contains("\($0.key) value") }
        return text + (choice.map { "; it may be \($0.value)" } ?? "")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe value.pointee == 0 ? nil : String(cString: value)
    }

    /// The string with every password replaced by `***`.
    static func redacted(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return redactedPairs(url) }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        guard let at = rest.lastIndex(of: "@") else { return redactedPairs(url) }
        // Which part is the password can't be told: hide everything.
        guard at < authority.endIndex, rest.firstIndex(of: "@") == at else { return "\(url[..<scheme.upperBound])***" }
        let user = rest[..<at].prefix { $0 != ":" }
        let shown = holdsColon(user) ? "***" : String(user)
        let hidden = user.endIndex == at ? "" : ":***"
        return "\(url[..<scheme.upperBound])\(shown)\(hidden)\(redactedPairs(String(rest[at...])))"
    }

    /// Whether a user is a user and a password that were encoded together, once or more often.
    private static func holdsColon(_ user: Substring) -> Bool {
        var text = user.lowercased()
        while text.contains("%25") { text = text.replacing("%25", with: "%") }
        return text.contains("%3a")
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

    /// libpq quotes the offending piece, which may be a password, and may hold quotes itself: so everything between the
    /// first and the last one goes.
    private static func withoutQuotes(_ message: String) -> String {
        let line = String(message.filter { !$0.isNewline })
        guard let first = line.firstIndex(of: "\""), let last = line.lastIndex(of: "\"") else { return line }
        let tail = first == last ? "" : String(line[line.index(after: last)...])
        return "\(line[..<first])\"…\"\(tail)"
    }
}

extension PostgresConfiguration {
    /// Looks at the URL and the PG* variables as libpq will, without asking any server.
    /// - Throws: ``PostgresError/invalidConfiguration(reason:)`` with what is wrong, never with a password.
    package func check() throws(PostgresError) { try ConnectionString.validate(url) }
}
