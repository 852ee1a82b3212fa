import FoundationEssentials
import TestSupport
import Testing
import WorkOrders

struct WorkOrderMessageTests {
    private static let id = "0193c2d4-7a00-7000-8000-0123456789ab"
    private static let other = "0193c2d4-7a00-7000-8000-0123456789ac"

    private func decode(_ body: String, messageID: String? = id, lane: String = "default") throws -> WorkOrderMessage {
        try decode(Array(body.utf8), messageID: messageID, lane: lane)
    }

    private func decode(_ body: [UInt8], messageID: String? = id, lane: String = "default") throws -> WorkOrderMessage {
        switch try WorkOrderMessage.decode(body, messageID: messageID, lane: lane) {
        case .order(let order): return order
        case .registered: throw Unexpected.doorbell
        }
    }

    private enum Unexpected: Error { case doorbell, noID }

    private func reason(_ body: [UInt8], messageID: String? = id) -> DeadLetterReason? {
        do {
            _ = try WorkOrderMessage.decode(body, messageID: messageID, lane: "default")
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func `the smallest order takes its lane from the routing key and its id from the property`() throws {
        let order = try decode(#"{"kind":"k","title":"t"}"#, lane: "llm")
        #expect(order.id == UUID(uuidString: Self.id))
        #expect(order.lane == "llm")
        #expect(order.dependsOn == [])
        #expect(order.estimate == nil)
    }

    @Test func `every field is read`() throws {
        let order = try decode(
            """
            {"id":"\(Self.id.uppercased())","kind":"generate.file-1","title":"Füge 🫎 hinzu","lane":"llm","project":"p",
            "agent":"a","estimated_cost_usd":"0.05","max_attempts":3,"timeout_seconds":60,
            "run_at":"2026-01-31T12:00:00.5+02:00","depends_on":["\(Self.other)","\(Self.other.uppercased())"],
            "concurrency_key":"repo x","unique_key":"nightly","unique_seconds":60,
            "complexity":0.7,"risk_level":"high","acceptance_criteria":["x"],"files_in_scope":[],"metadata":{"a":[1]},
            "unknown":{"deep":[null]}}
            """, messageID: nil)
        #expect(order.title == "Füge 🫎 hinzu")
        #expect(order.lane == "llm")
        #expect(order.estimate == MicroUSD(decimal: "0.05"))
        #expect(order.maxAttempts == 3)
        #expect(order.timeoutSeconds == 60)
        #expect(order.runAt == Date(timeIntervalSince1970: 1_769_853_600.5))
        #expect(order.dependsOn == [UUID(uuidString: Self.other)])
        #expect(order.concurrencyKey == "repo x")
        #expect(order.uniqueKey == "nightly")
        #expect(order.uniqueSeconds == 60)
        #expect(order.complexity == 0.7)
        #expect(order.riskLevel == .high)
    }

    @Test(arguments: [
        #""0.05""#, "0.05", "5e-2", "0.0500",
    ])
    func `an estimate may be a text or a number and is exact`(cost: String) throws {
        let order = try decode(#"{"kind":"k","title":"t","estimated_cost_usd":\#(cost)}"#)
        #expect(order.estimate == MicroUSD(microdollars: 50_000))
    }

    @Test(arguments: [
        "", " ", "nul", "not json", "[]", "\"text\"", "1", "null", "{", "{\"kind\":\"k\",\"title\":\"t\"",
        "{\"kind\":\"k\",\"title\":\"t\"} {}", "{'kind':'k'}",
        "{\"kind\":\"k\",\"title\":\"t\",\"estimated_cost_usd\":NaN}",
        "{\"kind\":\"k\",\"title\":\"a\u{0}b\"}",
        "{\"kind\":\"k\",\"title\":\"t\",}", "{\"kind\":\"k\",\"title\":\"t\",\"metadata\":{\"a\":[1,]}}", "{\"n\":01}",
        "\u{FEFF}{\"kind\":\"k\",\"title\":\"t\"}", "{\"kind\":\"k\" \"title\":\"t\"}", "{\"kind\":\"\\x\"}",
    ])
    func `what is not one JSON object is malformed`(body: String) {
        #expect(reason(Array(body.utf8)) == .malformed)
    }

    @Test(arguments: [
        #"{"title":"t"}"#, #"{"kind":"k"}"#, #"{"kind":null,"title":"t"}"#, #"{"kind":1,"title":"t"}"#,
        #"{"kind":"","title":"t"}"#, #"{"kind":"Upper","title":"t"}"#, #"{"kind":"../etc","title":"t"}"#,
        #"{"kind":"-k","title":"t"}"#, #"{"kind":"k'; drop table","title":"t"}"#, #"{"kind":"k\n","title":"t"}"#,
        #"{"kind":"ⅰ","title":"t"}"#, #"{"kind":"k","title":""}"#, #"{"kind":"k","title":"\ud800"}"#,
        #"{"kind":"k","title":"a\u0000b"}"#,
        #"{"kind":"k","title":["t"]}"#, #"{"kind":"k","title":"t","lane":"a.b"}"#,
        ##"{"kind":"k","title":"t","lane":"#"}"##, #"{"kind":"k","title":"t","lane":5}"#,
        #"{"kind":"k","title":"t","project":""}"#, #"{"kind":"k","title":"t","agent":"\u0000"}"#,
        #"{"kind":"k","title":"t","max_attempts":0}"#, #"{"kind":"k","title":"t","max_attempts":101}"#,
        #"{"kind":"k","title":"t","max_attempts":"5"}"#, #"{"kind":"k","title":"t","max_attempts":1.5}"#,
        #"{"kind":"k","title":"t","max_attempts":99999999999999999999}"#,
        #"{"kind":"k","title":"t","timeout_seconds":-1}"#, #"{"kind":"k","title":"t","timeout_seconds":604801}"#,
        #"{"kind":"k","title":"t","estimated_cost_usd":-1}"#, #"{"kind":"k","title":"t","estimated_cost_usd":"-1"}"#,
        #"{"kind":"k","title":"t","estimated_cost_usd":"NaN"}"#, #"{"kind":"k","title":"t","estimated_cost_usd":1e12}"#,
        #"{"kind":"k","title":"t","estimated_cost_usd":1e400}"#, #"{"kind":"k","title":"t","estimated_cost_usd":true}"#,
        #"{"kind":"k","title":"t","estimated_cost_usd":{}}"#, #"{"kind":"k","title":"t","estimated_cost_usd":""}"#,
        #"{"kind":"k","title":"t","run_at":"tomorrow"}"#, #"{"kind":"k","title":"t","run_at":1769860800}"#,
        #"{"kind":"k","title":"t","complexity":1.01}"#, #"{"kind":"k","title":"t","complexity":-0.1}"#,
        #"{"kind":"k","title":"t","complexity":"low"}"#, #"{"kind":"k","title":"t","risk_level":"HIGH"}"#,
        #"{"kind":"k","title":"t","depends_on":"x"}"#, #"{"kind":"k","title":"t","depends_on":["x"]}"#,
        #"{"kind":"k","title":"t","depends_on":[null]}"#,
        #"{"kind":"k","title":"t","depends_on":["0193c2d4-7a00-7000-8000-0123456789ab"]}"#,
        #"{"kind":"k","title":"t","concurrency_key":"a\u0085b"}"#, #"{"kind":"k","title":"t","unique_key":"\u009f"}"#,
        #"{"kind":"k","title":"t","unique_key":"\u007f"}"#, #"{"kind":"k","title":"t","concurrency_key":"\u001f"}"#,
        #"{"kind":"k","title":"t","acceptance_criteria":"x"}"#, #"{"kind":"k","title":"t","files_in_scope":[1]}"#,
        #"{"kind":"k","title":"t","metadata":[]}"#, #"{"kind":"k","title":"t","metadata":"x"}"#,
    ])
    func `a field that is missing, mistyped or out of range is named`(body: String) {
        #expect(reason(Array(body.utf8)) == .invalidField, "\(body)")
    }

    @Test(arguments: [
        (#"{"kind":"k","title":"t","timeout_seconds":30.5}"#, "timeout_seconds must be a whole number"),
        (#"{"kind":"k","title":"t","max_attempts":1e99}"#, "max_attempts must be a whole number"),
        (#"{"kind":"k","title":"t","complexity":1e999}"#, "complexity must be a number"),
        (#"{"kind":"k","title":"a\ud800b"}"#, "title has half a surrogate pair"),
        (#"{"kind":"k\udc00","title":"t"}"#, "kind has half a surrogate pair"),
        (#"{"kind":"k","title":"t","project":"\ud800"}"#, "project has half a surrogate pair"),
        (#"{"kind":"k","title":"t","agent":"\ud800"}"#, "agent has half a surrogate pair"),
        (#"{"kind":"k","title":"t","unique_key":"\ud800"}"#, "unique_key has half a surrogate pair"),
        (#"{"kind":"k","title":"t","concurrency_key":"\ud800"}"#, "concurrency_key has half a surrogate pair"),
        (#"{"kind":"k","title":"t","run_at":"\ud800"}"#, "run_at has half a surrogate pair"),
        (#"{"kind":"k","title":"t","risk_level":"\ud800"}"#, "risk_level has half a surrogate pair"),
        (#"{"kind":"k","title":"t","depends_on":["\ud800"]}"#, "depends_on has half a surrogate pair"),
        (#"{"kind":"k","title":"t","files_in_scope":["\ud800"]}"#, "files_in_scope has half a surrogate pair"),
        (#"{"kind":"k","title":"t","estimated_cost_usd":"\ud800"}"#, "estimated_cost_usd"),
        (#"{"kind":"k","title":"t","title":"u"}"#, "title stands twice"),
        (
            #"{"kind":"k","title":"t","estimated_cost_usd":"0.01","estimated_cost_us\u0064":"5"}"#,
            "estimated_cost_usd stands twice"
        ),
        (#"{"kind":"k","title":"t","payload":{"a":[{"b":1,"b":2}]}}"#, "payload.a.b stands twice"),
    ])
    func `a field that can't be read, or stands twice, is named`(body: String, words: String) {
        let error = #expect(throws: InvalidMessage.self) { try decode(body) }
        #expect(error?.reason == .invalidField)
        #expect(error?.explanation.hasPrefix(words) == true, "\(error?.explanation ?? "")")
    }

    @Test func `half a surrogate pair in the payload is the publisher's affair`() throws {
        #expect(try decode(#"{"kind":"k","title":"t","payload":"\ud800","other":["\udc00"]}"#).kind == "k")
        #expect(reason(Array(#"{"kind":"k","title":"t","\ud800":1}"#.utf8)) == .invalidField)
    }

    @Test(arguments: ["1e2", "100.0", "100", "1E+2"]) func `a whole number is whole in every form`(text: String) throws
    {
        #expect(try decode(#"{"kind":"k","title":"t","timeout_seconds":\#(text)}"#).timeoutSeconds == 100)
    }

    @Test(arguments: [
        ("[]", "the body must be a JSON object"), ("17", "the body must be a JSON object"),
        (#"{"kind":1,"title":"t"}"#, "kind must be a text"),
        (#"{"kind":"k","title":"t","metadata":[]}"#, "metadata must be a JSON object"),
        (#"{"kind":"k","title":"t","depends_on":"x"}"#, "depends_on must be a JSON array"),
        (#"{"kind":"k","title":"t","max_attempts":"5"}"#, "max_attempts must be a whole number"),
        (#"{"kind":"k","title":"t","complexity":"low"}"#, "complexity must be a number"),
        (
            #"{"kind":"k","title":"t","estimated_cost_usd":"abc"}"#,
            "estimated_cost_usd is no amount: plain dollars from 0 to 1000000000, such as 0.05"
        ),
        (
            #"{"kind":"k","title":"t","estimated_cost_usd":"-1"}"#,
            "estimated_cost_usd is no amount: plain dollars from 0 to 1000000000, such as 0.05"
        ),
    ])
    func `an error says what would be right, in the words of JSON`(body: String, words: String) {
        let error = #expect(throws: InvalidMessage.self) { try decode(body) }
        #expect(error?.explanation == words)
    }

    @Test func `an error names the field`() {
        #expect(throws: InvalidMessage(.invalidField, "kind is missing")) { try decode(#"{"title":"t"}"#) }
        do {
            _ = try decode(#"{"kind":"k","title":"t","max_attempts":"5"}"#)
            Issue.record("a text passed for a number")
        } catch {
            #expect("\(error)".contains("max_attempts"))
        }
    }

    @Test func `invalid UTF-8 is malformed wherever it stands`() {
        let good = Array(#"{"kind":"k","title":"tttt"}"#.utf8)
        for index in good.indices {
            for byte: UInt8 in [0xFF, 0x80, 0xC0, 0xED] {
                var bad = good
                bad[index] = byte
                #expect(reason(bad) == .malformed)
            }
        }
    }

    @Test func `a body over the limit is refused unread, and one at the limit is not`() throws {
        let body = Array(#"{"kind":"k","title":"t"}"#.utf8)
        let padded = body + Array(repeating: UInt8(ascii: " "), count: 1_048_576 - body.count)
        #expect(reason(padded) == nil)
        #expect(reason(padded + [0x20]) == .oversize)
        #expect(throws: InvalidMessage.self) {
            try WorkOrderMessage.decode(body, messageID: Self.id, lane: "default", limit: body.count - 1)
        }
    }

    @Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
    func `JSON ten thousand levels deep is refused and crashes nothing`(opening: String) {
        let deep = String(repeating: opening, count: 10_000)
        #expect(reason(Array(deep.utf8)) != nil)
        #expect(reason(Array("{\"kind\":\"k\",\"title\":\"t\",\"metadata\":{\"x\":\(deep)".utf8)) == .malformed)
        let closed = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        #expect(reason(Array("{\"kind\":\"k\",\"title\":\"t\",\"extra\":\(closed)}".utf8)) == .malformed)
    }

    @Test func `the id may come from the property, the body, or both when they agree`() throws {
        #expect(try decode(#"{"kind":"k","title":"t"}"#).id.uuidString.lowercased() == Self.id)
        let inBody = "{\"id\":\"\(Self.id)\",\"kind\":\"k\",\"title\":\"t\"}"
        #expect(try decode(inBody, messageID: nil).id.uuidString.lowercased() == Self.id)
        #expect(try decode(inBody, messageID: Self.id.uppercased()).id.uuidString.lowercased() == Self.id)
        // Some libraries set a message_id of their own making.
        #expect(try decode(inBody, messageID: "ID:12345").id.uuidString.lowercased() == Self.id)
    }

    @Test func `no id, a wrong id and two ids are told apart from good ones`() {
        let plain = Array(#"{"kind":"k","title":"t"}"#.utf8)
        #expect(reason(plain, messageID: nil) == .noID)
        #expect(reason(plain, messageID: "") == .noID)
        #expect(reason(plain, messageID: "17") == .noID)
        #expect(reason(Array(#"{"id":"17","kind":"k","title":"t"}"#.utf8)) == .noID)
        #expect(reason(Array(#"{"id":17,"kind":"k","title":"t"}"#.utf8)) == .invalidField)
        #expect(reason(Array("{\"id\":\"\(Self.other)\",\"kind\":\"k\",\"title\":\"t\"}".utf8)) == .noID)
    }

    @Test func `a thousand dependencies are read and one more is refused`() throws {
        func body(_ count: Int) -> String {
            let ids = (0..<count).map { _ in "\"\(UUID().uuidString)\"" }.joined(separator: ",")
            return "{\"kind\":\"k\",\"title\":\"t\",\"depends_on\":[\(ids)]}"
        }
        #expect(try decode(body(1000)).dependsOn.count == 1000)
        #expect(reason(Array(body(1001).utf8)) == .invalidField)
    }

    @Test func `the limits count characters, not bytes`() throws {
        #expect(try decode("{\"kind\":\"k\",\"title\":\"\(String(repeating: "ü", count: 500))\"}").title.count == 500)
        #expect(
            reason(Array("{\"kind\":\"k\",\"title\":\"\(String(repeating: "u", count: 501))\"}".utf8)) == .invalidField)
        let kind = String(repeating: "k", count: 100)
        #expect(try decode("{\"kind\":\"\(kind)\",\"title\":\"t\"}").kind == kind)
        #expect(reason(Array("{\"kind\":\"\(kind)k\",\"title\":\"t\"}".utf8)) == .invalidField)
    }

    @Test func `a doorbell is its id and its body is not read`() throws {
        let form = try WorkOrderMessage.decode(
            [0xFF], messageID: Self.id, lane: "default", isRegistered: true)
        #expect(form == .registered(try #require(UUID(uuidString: Self.id))))
        #expect(throws: InvalidMessage.self) {
            try WorkOrderMessage.decode([], messageID: nil, lane: "default", isRegistered: true)
        }
    }

    @Test func `cut, flipped and shuffled bodies never crash the decoder`() {
        let good = Array(
            #"{"kind":"k","title":"t\u00fc","estimated_cost_usd":0.05,"depends_on":[],"metadata":{"a":[1,2,{"b":null}]}}"#
                .utf8)
        var generator = SplitMix64(seed: 42)
        for _ in 0..<5_000 {
            var body = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: body.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: body[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: body.removeLast(min(body.count - 1, Int.random(in: 0...20, using: &generator)))
                default: body.swapAt(index, Int.random(in: body.indices, using: &generator))
                }
            }
            _ = reason(body)
        }
    }
}
