import TestSupport
import Testing

@testable import Settings

/// The mistakes found in a file, as they are printed.
func problems(in text: String, environment: [String: String] = [:]) -> [String] {
    do throws(SettingsError) {
        _ = try Settings.parse(text, file: "moose.yaml", environment: environment)
        return []
    } catch {
        return error.description.split(separator: "\n").map(String.init)
    }
}

@Suite struct SettingsProblemTests {
    @Test func `every mistake is reported at once, in the order of the file, with its place`() {
        let text = """
            amqp_url: http://broker
            lane: {}
            lanes:
              Bad Lane: {}
              llm: {wieght: 2}
            defaults: {max_attempts: many, timeout_seconds: -1}
            worker: {listen: 70000}
            """
        let found = problems(in: text, environment: ["MOOSE_LOG_LEVEL": "loud"])
        let places = found.map { $0.prefix { $0 != " " } }
        #expect(
            places == [
                "moose.yaml:1:11:", "moose.yaml:2:1:", "moose.yaml:4:3:", "moose.yaml:5:9:", "moose.yaml:6:26:",
                "moose.yaml:6:49:", "moose.yaml:7:18:", "MOOSE_LOG_LEVEL:",
            ]
        )
        #expect(found[1].contains("did you mean lanes?"))
        #expect(found[3].contains("did you mean weight?"))
    }

    @Test(arguments: [
        ("handlers: {echo: {free: true}}", "neither command nor http"),
        ("handlers: {echo: {command: {argv: [a]}, http: {url: http://a}, free: true}}", "both command and http"),
        ("handlers: {echo: {command: {argv: [a]}}}", "nothing of its cost"),
        ("handlers: {echo: {command: {argv: [a]}, free: false}}", "nothing of its cost"),
        ("handlers: {echo: {command: {argv: [a]}, free: true, default_estimate_usd: 1}}", "keep one"),
        ("handlers: {echo: {command: {argv: [a]}, free: perhaps}}", "true or false"),
        ("handlers: {echo: {command: {argv: [a]}, default_estimate_usd: -1}}", "amount of US dollars"),
        ("handlers: {echo: {command: {argv: [a]}, default_estimate_usd: 1e-3}}", "amount of US dollars"),
        ("handlers: {echo: {command: {argv: [a]}, default_estimate_usd: $1}}", "amount of US dollars"),
        ("handlers: {echo: {command: {argv: [a]}, default_estimate_usd: 1000001}}", "out of range"),
        ("handlers: {echo: {command: {argv: [a]}, default_estimate_usd: 99999999999999999999}}", "out of range"),
        ("handlers: {echo: {command: {argv: []}, free: true}}", "no program"),
        ("handlers: {echo: {command: {argv: cat}, free: true}}", "should be a list of words"),
        ("handlers: {echo: {command: {argv: [[a]]}, free: true}}", "should be a text, not a list"),
        ("handlers: {echo: {command: {argv: [\"a\\0b\"]}, free: true}}", "NUL"),
        ("handlers: {echo: {command: {argv: [a], environment: [A=B]}, free: true}}", "name of an environment variable"),
        ("handlers: {Echo: {command: {argv: [a]}, free: true}}", "no name of a kind"),
        ("handlers: {echo: nothing}", "should be a block of keys"),
        ("handlers: {echo: }", "neither command nor http"),
        ("handlers: {echo: {http: {}, free: true}}", "has no url"),
        ("handlers: {echo: {http: {url: ftp://a}, free: true}}", "should start with https:// or http://"),
        ("handlers: {echo: {http: {url: http://a, headers: {X: \"a\\r\\nB: c\"}}, free: true}}", "line break"),
        ("handlers: {echo: {http: {url: http://a, headers: {\"X Y\": b}}, free: true}}", "no name of a header"),
        ("handlers: {echo: {http: {url: http://a, cost_header: \"a b\"}, free: true}}", "name of a header"),
        ("lanes: [default]", "should be a block of keys, not a list"),
        ("lanes: {}", "names no lane"),
        ("lanes: {default: {weight: 0}}", "out of range"),
        ("lanes: {default: {weight: 1.5}}", "whole number"),
        ("lanes: {default: {weight: 99999999999999999999}}", "out of range"),
        ("retry: {base_seconds: 10, cap_seconds: 5}", "cap_seconds below"),
        (
            "handlers: {echo: {command: {argv: [a]}, free: true, retry: {base_seconds: 601}}}",
            "echo.retry has a cap_seconds"
        ),
        ("handlers: {echo: {command: {argv: [a]}, free: true, retry: {bas_seconds: 1}}}", "did you mean base_seconds"),
        ("lease: {heartbeat_seconds: 30}", "below twice"),
        ("worker: {max_rss: 500 apples}", "amount of memory"),
        ("worker: {max_rss: 1MB}", "from 16MB"),
        ("worker: {autoscale: {shrink_after_seconds: 0}}", "out of range"),
        ("worker: {autoscale: {min: 1}}", "unknown key"),
        ("watch: {stuck_escalated_seconds: 60}", "below its stuck_warned_seconds"),
        ("worker: {listen: ${PORT}}", "MISSING"),
        ("worker: {listen: \"${PORT}\"}", "PORT, which isn't set"),
        ("amqp_url: \"${\"", "variable's name"),
        ("amqp_url: amqp://", "names no host"),
        ("amqp_url: amqp://h:99999/", "port"),
        ("amqp_url: amqp://[::1/", "closing bracket"),
        ("amqp_url: amqp://h/%2", "hexadecimal"),
        ("amqp_url: \"amqp://h/a b\"", "blank"),
        ("amqp_url: {}", "should be a URL, not a block of keys"),
        ("? [a, b]\n: c", "a key should be a single word"),
        ("- a", "the file should be a block of keys"),
        ("just words", "the file should be a block of keys"),
        ("a: b: c", "isn't valid YAML"),
        ("a: [", "isn't valid YAML"),
        ("a: *b", "isn't valid YAML"),
        ("a: 1\n---\nb: 2", "isn't valid YAML"),
        ("retry: {}\nretry: {}", "stands here and again"),
        ("a: \u{7}", "isn't valid YAML"),
    ])
    func `a mistake is named`(text: String, message: String) {
        let found = problems(in: text)
        if message == "MISSING" {
            // A brace inside a flow mapping belongs to YAML: any report will do, a crash won't.
            #expect(!found.isEmpty)
        } else {
            #expect(found.contains { $0.contains(message) }, "\(found)")
        }
    }

    @Test(arguments: ["[", "{", "- ", "? ", "[{a: "])
    func `thousands of nested levels are refused, not a crash`(opening: String) {
        let found = problems(in: String(repeating: opening, count: 10_000))
        #expect(!found.isEmpty)
    }

    @Test func `nesting just inside the parser's limit is refused by name`() {
        let text = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
        #expect(problems(in: "lanes: " + text).count == 1)
        #expect(problems(in: "? " + text + "\n: 1").count == 1)
    }

    @Test func `any bytes are answered with settings or a report`() {
        let alphabet = Array("ab:{}[]-?*&!|>'\"%@`#,\n \t~<$\\0123.\u{FEFF}é")
        var generator = SplitMix64(seed: 20_260)
        for _ in 0..<3_000 {
            let length = Int.random(in: 0...40, using: &generator)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
            _ = problems(in: text)
            _ = problems(in: "handlers: {echo: {command: \(text)}}")
        }
    }

    @Test func `messages never repeat a value that may be secret`() {
        let text = """
            amqp_url: hunter2
            database_url: "postgresql://m:hunter2 @h"
            worker: {listen: hunter2}
            handlers: {echo: {http: {url: "x://hunter2", headers: {A: "hunter2\\n"}}, free: hunter2}}
            """
        let found = problems(in: text, environment: ["MOOSE_AMQP_URL": "hunter2", "MOOSE_LOG_LEVEL": "hunter2"])
        #expect(found.count >= 7)
        #expect(!found.contains { $0.contains("hunter2") })
    }

    @Test func `an unreadable file says why`() {
        #expect(throws: SettingsError.unreadable(path: "/nowhere/m.yaml", reason: "No such file or directory")) {
            _ = try Settings.load(path: "/nowhere/m.yaml", environment: [:])
        }
        #expect(throws: SettingsError.unreadable(path: "/", reason: "Is a directory")) {
            _ = try Settings.load(path: nil, environment: ["MOOSE_CONFIG": "/"])
        }
        #expect(throws: SettingsError.unreadable(path: "/dev/zero", reason: "it is larger than 1 MiB")) {
            _ = try Settings.load(path: "/dev/zero", environment: [:])
        }
    }
}
