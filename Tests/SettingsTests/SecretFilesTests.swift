import FoundationEssentials
import Glibc
import Testing

@testable import Settings

/// Secrets that stand in files, and so in no process's environment.
struct SecretFilesTests {
    private static func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        var template = Array("/tmp/moose-test-XXXXXX".utf8CString)
        let file = unsafe mkstemp(&template)
        try #require(file >= 0)
        close(file)
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(filePath: path))
        try body(path)
    }

    @Test(arguments: ["", "\n", "\r\n"]) func `Moose's own secrets may stand in files`(ending: String) throws {
        try Self.withFile("amqp://u:p@broker/v" + ending) { broker in
            try Self.withFile("postgresql://u:p@db/m" + ending) { database in
                try Self.withFile("0123456789abcdef0123456789abcdef" + ending) { secret in
                    let settings = try Settings.parse(
                        "", file: nil,
                        environment: [
                            "MOOSE_AMQP_URL_FILE": broker, "MOOSE_DATABASE_URL_FILE": database,
                            "MOOSE_SENTINEL_SECRET_FILE": secret, "MOOSE_AMQP_URL": "",
                        ])
                    #expect(settings.broker.url == "amqp://u:p@broker/v")
                    #expect(settings.database.url == "postgresql://u:p@db/m")
                    #expect(settings.sentinel.secret == "0123456789abcdef0123456789abcdef")
                }
            }
        }
    }

    @Test func `what the file's values ask for may stand in files, too`() throws {
        let text = """
            handlers:
              h: {http: {url: "http://127.0.0.1/", headers: {Authorization: "Bearer ${MY_TOKEN}"}}, free: true}
            """
        try Self.withFile("hunter2\n") { path in
            let settings = try Settings.parse(text, file: nil, environment: ["MY_TOKEN_FILE": path])
            guard case .http(let http)? = settings.handlers["h"]?.transport else {
                Issue.record("no handler")
                return
            }
            #expect(http.headers["Authorization"] == "Bearer hunter2")
            // A variable that is there is what it always was.
            _ = try Settings.parse(text, file: nil, environment: ["MY_TOKEN": "x", "MY_TOKEN_FILE": "/no"])
        }
    }

    @Test func `a file that can't be read, or is not needed, is named`() throws {
        try Self.withFile("") { empty in
            let environment = [
                "MOOSE_AMQP_URL": "amqp://u:hunter2@broker/v", "MOOSE_AMQP_URL_FILE": empty,
                "MOOSE_DATABASE_URL_FILE": "/no/such/file", "MOOSE_SENTINEL_SECRET_FILE": empty,
            ]
            let error = #expect(throws: SettingsError.self) {
                try Settings.parse("", file: nil, environment: environment)
            }
            let words = "\(try #require(error))"
            #expect(words.contains("MOOSE_AMQP_URL_FILE") && words.contains("unset one of them"))
            #expect(words.contains("MOOSE_DATABASE_URL_FILE") && words.contains("No such file or directory"))
            #expect(words.contains("MOOSE_SENTINEL_SECRET_FILE") && words.contains("empty file"))
            #expect(!words.contains("hunter2"))
        }
    }
}
