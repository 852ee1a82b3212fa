import TestSupport
import Testing

@testable import Settings

/// Passwords that people and generators really make, and what a stray keystroke does to them.
private struct HostilePassword {
    /// Pieces of letters with hostile characters between them; the pieces must never show.
    let text: String
    let pieces: [String]

    init(using generator: inout SplitMix64) {
        let separators = [
            "@", ":", "/", "?", "#", "%", "%4", "%zz", "%40", "%00", "&", "=", ",", "[", "]", " ", "\"", "'", "é", "日",
            "\u{A0}", "://", "@@", "\\",
        ]
        pieces = (0..<Int.random(in: 2...4, using: &generator)).map { _ in
            String((0..<6).map { _ in "QWXZJKVB".randomElement(using: &generator) ?? "Q" })
        }
        text = pieces.dropFirst().reduce(pieces[0]) { $0 + (separators.randomElement(using: &generator) ?? "@") + $1 }
    }

    func shows(in text: String) -> Bool { pieces.contains { text.contains($0) } }
}

@Suite struct SecretTests {
    @Test func `no piece of a password shows, whatever is in it`() {
        var generator = SplitMix64(seed: 20_261)
        var refused = 0
        for round in 0..<4_000 {
            let password = HostilePassword(using: &generator)
            let scheme = ["amqp", "amqps", "postgresql", "https", "http"][round % 5]
            let tail = ["h/v", "h1:1,h2/v?x=1", "h", "[::1]:5/v", "h/v?password=\(password.text)"][(round / 5) % 5]
            let url = "\(scheme)://user:\(password.text)@\(tail)"
            #expect(!password.shows(in: ConnectionURL.redacted(url)), "\(url): \(ConnectionURL.redacted(url))")
            let key = scheme.hasPrefix("amqp") ? "amqp_url" : "database_url"
            let variable = scheme.hasPrefix("amqp") ? "MOOSE_AMQP_URL" : "MOOSE_DATABASE_URL"
            do throws(SettingsError) {
                let settings = try Settings.parse("", file: nil, environment: [variable: url])
                #expect(!password.shows(in: settings.description), "\(url): \(settings.description)")
            } catch {
                refused += 1
                #expect(!password.shows(in: error.description), "\(url): \(error)")
            }
            let text = "\(key): \"${URL}\"\nhandlers: {k: {http: {url: \"${URL}\"}, free: true}}"
            for problem in problems(in: text, environment: ["URL": url]) {
                #expect(!password.shows(in: problem), "\(url): \(problem)")
            }
        }
        #expect(refused > 1_000)
    }

    @Test(arguments: [
        "amqp://u:p@ss@h/v", "amqp://u:p/w@h/v", "amqp://u:p?w@h/v", "amqp://u:p#w@h/v", "amqp://u:p%00w@h",
    ])
    func `a URL whose password could be taken for something else is refused, with what to write`(url: String) {
        let found = problems(in: "", environment: ["MOOSE_AMQP_URL": url]).joined()
        #expect(found.contains("%"), "\(found)")
        let database = url.replacing("amqp", with: "postgresql")
        #expect(problems(in: "", environment: ["MOOSE_DATABASE_URL": database]).count == 1)
    }

    @Test(arguments: ["\n", "\r\n"])
    func `one line break at the end is nobody's intention, wherever a secret comes from`(end: String) throws {
        let secret = "0123456789abcdef"
        let broker = "amqp://u:p@h/v"
        let database = "postgresql://u:p@h/d"
        let text = """
            database_url: "postgresql://u:${PASSWORD}@h/d"
            sentinel: {secret: "${SECRET}"}
            handlers: {k: {http: {url: "${URL}", headers: {Authorization: "Bearer ${TOKEN}"}}, free: true}}
            """
        let settings = try Settings.parse(
            text, file: nil,
            environment: [
                "MOOSE_AMQP_URL": broker + end, "PASSWORD": "p" + end, "SECRET": secret + end, "TOKEN": "t" + end,
                "URL": "https://h" + end,
            ])
        #expect(settings.broker.url == broker)
        #expect(settings.database.url == database)
        #expect(settings.sentinel.secret == secret)
        guard case .http(let http) = settings.handlers["k"]?.transport else {
            Issue.record("no handler")
            return
        }
        #expect(http.url == "https://h" && http.headers == ["Authorization": "Bearer t"])
        let file = "amqp_url: |\n  \(broker)\nsentinel:\n  secret: |\n    \(secret)\n"
        let fromFile = try Settings.parse(file, file: nil, environment: [:])
        #expect(fromFile.broker.url == broker && fromFile.sentinel.secret == secret)
        let variable = try Settings.parse("", file: nil, environment: ["MOOSE_SENTINEL_SECRET": secret + end])
        #expect(variable.sentinel.secret == secret)
    }

    @Test(arguments: [
        ("0123456789abcdef\n\n", "a line break"), ("01234567\n89abcdef", "a line break"),
        ("01234567 89abcdef", "a blank"),
        (String(repeating: " ", count: 64), "a blank"), ("0123456789\u{A0}abcdef", "a blank"),
        ("0123456789\u{1}abcdef", "a control character"), ("\u{FEFF}0123456789abcdef", "a byte order mark"),
        ("0123456789abcdef\u{200B}", "an invisible character"), ("\"0123456789abcdef\"", "a quote"),
        ("'0123456789abcdef'", "a quote"), ("“0123456789abcdef”", "a quote"), ("\n", "is empty"),
        ("short", "too short"),
    ])
    func `what a secret is unlikely to hold on purpose is refused by name, from everywhere`(
        secret: String, words: String
    ) {
        let byVariable = problems(in: "", environment: ["MOOSE_SENTINEL_SECRET": secret])
        let byFile = problems(in: "sentinel: {secret: \"${SECRET}\"}", environment: ["SECRET": secret + "\n"])
        #expect(byVariable.count == 1 && byVariable[0].contains(words), "\(byVariable)")
        // With the break that the file adds it is still wrong, unless that was all there was to say.
        #expect(byFile.count == 1 && byFile[0].contains(words), "\(byFile)")
        if words != "too short", words != "is empty" {
            let url = problems(in: "", environment: ["MOOSE_AMQP_URL": "amqp://u:\(secret)@h"])
            if words != "a quote" { #expect(url.count == 1 && url[0].contains(words), "\(url)") }
        }
    }

    @Test func `a quoted URL is told of its quotes`() {
        for variable in ["MOOSE_AMQP_URL", "MOOSE_DATABASE_URL"] {
            let scheme = variable == "MOOSE_AMQP_URL" ? "amqp" : "postgresql"
            let found = problems(in: "", environment: [variable: "'\(scheme)://u:p@h/v'"])
            #expect(found.count == 1 && found[0].contains("a quote"), "\(found)")
        }
    }
}
