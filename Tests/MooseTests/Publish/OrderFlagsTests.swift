import AMQP
import ArgumentParser
import FoundationEssentials
import Testing
import WorkOrders

@testable import Moose

/// One order from the flags of `moose publish`.
struct OrderFlagsTests {
    private func body(_ arguments: String...) throws -> String {
        String(decoding: try #require(try OrderFlags.parse(arguments).body()), as: UTF8.self)
    }

    @Test func `the same flags make the same bytes, so that a second publish of an id is dropped`() throws {
        let text = try body(
            "--unique-seconds", "60", "--title", "t", "--project", "p", "--kind", "k", "--agent", "a", "--unique-key",
            "u", "--concurrency-key", "c", "--estimated-cost", "0.05", "--payload", #"{"b": 1, "a": 2.50}"#, "--id",
            "0193c2d4-7a00-7000-8000-0123456789ab", "--depends-on", "0193c2d4-7a00-7000-8000-0123456789ac")
        #expect(
            text == """
                {"agent":"a","concurrency_key":"c","depends_on":["0193c2d4-7a00-7000-8000-0123456789ac"],\
                "estimated_cost_usd":"0.05","id":"0193c2d4-7a00-7000-8000-0123456789ab","kind":"k","project":"p",\
                "title":"t","unique_key":"u","unique_seconds":60,"payload":{"b": 1, "a": 2.50}}
                """)
    }

    @Test(arguments: [
        #"1,"project":"evil""#, #"{}, "project":"evil""#, "1 2", "{}{}", "[1] []", "", " ", "1}", "]", "[1", #"{"a":"#,
        #""a"#, #"}{"#, #"{"a":1,}"#, "1,", "nul", "evil", "'x'", "NaN", "--wait",
        "1\n{\"kind\":\"evil\",\"title\":\"t\"}",
        #"1/*"#, "\u{FEFF}1",
    ])
    func `a payload that is not exactly one JSON value is wrong use`(payload: String) throws {
        let flags = try OrderFlags.parse(["--kind", "k", "--title", "t", "--payload", payload])
        let failure = #expect(throws: CommandFailure.self) { try flags.body() }
        #expect(failure?.status == .usage)
        #expect(failure?.description.contains("--payload is not exactly one JSON value") == true)
    }

    @Test(arguments: [(#"{"a":1,"\u0061":2}"#, "a"), (#"[{"x":{"b":1,"b":2}}]"#, "x.b")])
    func `a payload that names something twice is wrong use`(payload: String, name: String) throws {
        let flags = try OrderFlags.parse(["--kind", "k", "--title", "t", "--payload", payload])
        let failure = #expect(throws: CommandFailure.self) { try flags.body() }
        #expect(failure?.status == .usage)
        #expect(failure?.description.contains("--payload names \(name) twice") == true)
        let line = #"{"kind":"k","title":"t","payload":\#(payload)}"#
        let lines = OrderLines(one: Array(line.utf8), lane: "default", limit: 1_000_000, kinds: [])
        #expect(lines.problems.first?.problem.explanation.contains("stands twice") == true)
    }

    @Test(arguments: [10_000, 513, 512])
    func `a payload deeper than a body may be is refused, and crashes nothing`(depth: Int) throws {
        for open in [true, false] {
            let payload = String(repeating: "[", count: depth) + (open ? "" : String(repeating: "]", count: depth))
            let flags = try OrderFlags.parse(["--kind", "k", "--title", "t", "--payload", payload])
            let failure = #expect(throws: CommandFailure.self) { try flags.body() }
            #expect(failure?.description.contains("at most 511 levels") == true)
        }
    }

    @Test(arguments: [
        "-5", "null", "\"--wait\"", " [1,\n 2] ", "{}",
        String(repeating: "[", count: 511) + String(repeating: "]", count: 511),
    ])
    func `any one value is taken as it stands, also over many lines`(payload: String) throws {
        let text = try body("--kind", "k", "--title", "t", "--payload", payload)
        #expect(text.hasSuffix(",\"payload\":\(payload)}"))
        let lines = OrderLines(one: Array(text.utf8), lane: "default", limit: 1_000_000, kinds: [])
        #expect(lines.problems.isEmpty && lines.orders.map(\.message.body) == [Array(text.utf8)])
    }

    @Test(arguments: [
        (["--estimated-cost", "-1"], "estimated_cost_usd is no amount: plain dollars from 0 to 1000000000"),
        (["--estimated-cost", "abc"], "estimated_cost_usd is no amount: plain dollars from 0 to 1000000000"),
        (["--unique-seconds", "-1"], "unique_seconds must be between 1 and 31536000"),
    ])
    func `a wrong number is told what is allowed, also when it begins with a dash`(flags: [String], words: String)
        throws
    {
        let body = try #require(try OrderFlags.parse(["--kind", "k", "--title", "t"] + flags).body())
        let lines = OrderLines(one: body, lane: "default", limit: 1_000_000, kinds: [])
        #expect(lines.problems.first?.problem.explanation.hasPrefix(words) == true)
    }
}
