import FoundationEssentials
import Glibc
import Testing

@testable import Settings

/// Secrets that a slip of the hand puts where a key, a name or a variable was meant.
struct SlippedSecretTests {
    @Test(arguments: [
        // In the place of a key.
        "\"amqp://u:Hunterzz@h\": x", "\"u:Hunterzz\": x", "{Hunterzz}", "Hunterzz:", "sentinel: {Hunterzz}",
        "sentinel: {Hunterzz: x}", "sentinel: {\"secret: Hunterzz\": }", "worker: {\"Hunterzz=1\": 2}",
        "handlers: {k: {http: {url: \"http://h\", Hunterzz: x}, free: true}}",
        "\"amqp://u:Hunterzz@h\": x\n\"amqp://u:Hunterzz@h\": y",
        // In the place of a header's name.
        "handlers: {k: {http: {url: \"http://h\", headers: {\"Authorization: Hunterzz\": \"\"}}, free: true}}",
        "handlers: {k: {http: {url: \"http://h\", headers: {\"Bearer Hunterzz\": x}}, free: true}}",
        "handlers: {k: {http: {url: \"http://h\", headers: {\"Hunterzz/abc==\": x}}, free: true}}",
        "handlers: {k: {http: {url: \"http://h\", headers: {Hunterzz}}, free: true}}",
        "handlers: {k: {http: {url: \"http://h\", headers: {Hunterzz: }}, free: true}}",
        // In the place of another name.
        "lanes: {\"amqp://u:Hunterzz@h\": {}}", "handlers: {\"key=Hunterzz\": {}}",
        "models: {\"k Hunterzz:x\": {}}",
        // In the place of a variable's name.
        "amqp_url: \"amqp://u:pa${Hunterzz}@h\"", "database_url: \"postgresql://u:${Hunterzz}@h/d\"",
        "sentinel: {secret: \"0123456789${hunter_Hunterzz}\"}",
        "handlers: {k: {http: {url: \"http://h/${Hunterzz}\"}, free: true}}",
        "handlers: {k: {http: {url: \"http://h\", headers: {A: \"x${Hunterzz}\"}}, free: true}}",
        // In the place of a user.
        "amqp_url: \"amqp://u%3AHunterzz@h\"", "database_url: \"postgresql://u%3aHunterzz@h/d\"",
        "amqp_url: \"amqp://u%253AHunterzz@h\"",
    ])
    func `a mistake is told without them`(text: String) {
        let found = problems(in: text)
        #expect(!found.isEmpty && !found.contains { $0.contains("Hunterzz") || $0.contains("abc") }, "\(found)")
    }

    @Test func `what looks like a key, a name or a variable is still quoted`() {
        for (text, words) in [
            ("worker: {autoscale: {min: 1}}", "unknown key \"min\""),
            ("lanes: {Bad Lane: {}}", "\"Bad Lane\" is no name"),
            ("sentinel: {secert: x}", "unknown key \"secert\" in sentinel: did you mean secret?"),
            ("sentinel: {x: y}", "unknown key \"…\" in sentinel: known are secret"),
            ("amqp_url: \"amqp://u:${PASS_WORD}@h\"", "the environment variable PASS_WORD, which isn't set"),
            ("amqp_url: \"amqp://u:${Password}@h\"", "an environment variable, which isn't set"),
            ("worker: {listen: \"${Port}\"}", "the environment variable Port, which isn't set"),
            ("retry: {}\nretry: {}", "the key \"retry\" stands here and again"),
        ] {
            let found = problems(in: text)
            #expect(found.contains { $0.contains(words) }, "\(found)")
        }
    }

    @Test func `a header may be empty, if that is what is written`() {
        let text = "handlers: {k: {http: {url: \"http://h\", headers: {A: \"\"}}, free: true}}"
        #expect(problems(in: text).isEmpty)
    }

    @Test(arguments: [
        "http://h/?pwd=Hunterzz&code=Hunterzz", "http://h/#access_token=Hunterzz", "http://h/p?Hunterzz",
        "https://Hunterzz@h/p", "https://u:Hunterzz@h/p?x=Hunterzz#Hunterzz", "https://u%3AHunterzz@h",
    ])
    func `of a service's URL neither user nor query nor fragment is shown`(url: String) throws {
        let text = "handlers: {k: {http: {url: \"\(url)\"}, free: true}}"
        let shown = try Settings.parse(text, file: nil, environment: [:]).description
        #expect(!shown.contains("Hunterzz") && shown.contains("***"), "\(shown)")
    }

    // MARK: - Files that are none

    private static func withPipe(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/moose-test-XXXXXX".utf8CString)
        let isMade = unsafe mkdtemp(&template) != nil
        try #require(isMade)
        let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/pipe"
        let status = unsafe mkfifo(path, 0o600)
        try #require(status == 0)
        try body(path)
    }

    @Test func `a pipe that nobody writes to, or closes, is given up`() throws {
        try Self.withPipe { path in
            for holdsOpen in [false, true] {
                let writer = holdsOpen ? unsafe open(path, O_RDWR | O_CLOEXEC) : -1
                defer { if holdsOpen { close(writer) } }
                if holdsOpen { _ = unsafe write(writer, "lanes:", 6) }
                let error = #expect(throws: SettingsError.self) {
                    try ConfigFile.read(path, patience: .milliseconds(200))
                }
                #expect(error?.description.contains("not come to its end") == true)
            }
        }
    }

    @Test func `a pipe that comes to its end is read`() throws {
        var ends: [Int32] = [0, 0]
        let status = unsafe pipe(&ends)
        try #require(status == 0)
        defer { close(ends[0]) }
        _ = unsafe write(ends[1], "retry: {}", 9)
        close(ends[1])
        #expect(try ConfigFile.read("/dev/fd/\(ends[0])") == "retry: {}")
    }
}
