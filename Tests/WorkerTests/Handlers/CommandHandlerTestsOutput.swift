import FoundationEssentials
import TestSupport
import Testing
import WorkOrders

@testable import Worker

struct CommandHandlerTestsOutput {
    @Test func `of ten megabytes the last bytes are kept and all are streamed`() async throws {
        let bench = try CommandHandlerTestsBench()
        let outcome = try await bench.run(
            "head -c 10485760 /dev/zero | tr '\\0' x; printf END", outputLimit: 1000)
        #expect(outcome.isCompleted)
        #expect(outcome.report.output == String(repeating: "x", count: 997) + "END")
        #expect(bench.streamed.count == 10_485_763)
    }

    @Test func `output that is no text becomes text without NUL`() async throws {
        let bench = try CommandHandlerTestsBench()
        let outcome = try await bench.run(#"printf 'a\0b\377c'; printf 'é🫎' >&2; exit 1"#)
        #expect(outcome.report.output == "a\u{FFFD}b\u{FFFD}cé🫎")
        #expect(outcome.failure?.message.utf8.contains(0) == false)
    }

    @Test func `an error message keeps to one short line`() async throws {
        let bench = try CommandHandlerTestsBench()
        let outcome = try await bench.run(
            #"printf '{"error":"a\\u0000\\n\\tb %s"}' "$(head -c 5000 /dev/zero | tr '\0' x)" > "$MOOSE_RESULT_FILE"; exit 1"#
        )
        let message = try #require(outcome.failure?.message)
        #expect(message.hasPrefix("a b xxx"))
        #expect(message.count <= 300)
    }

    @Test func `the tail is the end of what was written, however it was cut into pieces`() {
        var generator = SplitMix64(seed: 5)
        for _ in 0..<500 {
            let limit = Int.random(in: 0...50, using: &generator)
            var tail = OutputTail(limit: limit)
            var all: [UInt8] = []
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                let piece = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                    UInt8.random(in: 0x21...0x7E, using: &generator)
                }
                tail.append(piece)
                #expect(tail.bytes.count <= limit)
                all += piece
            }
            #expect(tail.text() ?? "" == String(decoding: all.suffix(limit), as: UTF8.self))
        }
    }

    @Test func `the tail of any bytes is text within the limit`() {
        var generator = SplitMix64(seed: 6)
        for _ in 0..<2000 {
            let limit = Int.random(in: 0...40, using: &generator)
            var tail = OutputTail(limit: limit)
            tail.append(
                (0..<Int.random(in: 0...100, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
                })
            let text = tail.text() ?? ""
            #expect(text.utf8.count <= limit)
            #expect(!text.utf8.contains(0))
        }
    }

    @Test func `a character that the cut goes through is left out`() {
        var tail = OutputTail(limit: 5)
        tail.append(Array("xx🫎é".utf8))
        #expect(tail.text() == "é")
    }

    @Test(arguments: [
        (#"{}"#, #"{"id":"ID","attempt":2}"#), (" \n{ } ", "\u{20}\n{\"id\":\"ID\",\"attempt\":2 } "),
        (#"{"a":1}"#, #"{"id":"ID","attempt":2,"a":1}"#), (#"{"id":"X","a":1}"#, #"{"id":"ID","attempt":2,"a":1}"#),
        (#"{"\u0069d":"X"}"#, #"{"id":"ID","attempt":2}"#),
        (#"{"a":{"id":"X"}}"#, #"{"id":"ID","attempt":2,"a":{"id":"X"}}"#),
        (#"{"attempt":9}"#, #"{"id":"ID","attempt":2}"#),
        (#"{"id":1, "x" : [ ] ,"attempt":9}"#, #"{"id":"ID","attempt":2,"x" : [ ]}"#),
        (#"{"a":"}\"{,"}"#, #"{"id":"ID","attempt":2,"a":"}\"{,"}"#),
        (#"{"id\\":1,"a":1.500,"a":2}"#, #"{"id":"ID","attempt":2,"id\\":1,"a":1.500,"a":2}"#),
    ])
    func `id and attempt are Moose's own, and every other member stays`(body: String, expected: String) throws {
        let job = CommandHandlerTestsBench.job(body, attempt: 2)
        let text = String(decoding: try #require(WorkOrderDocument.bytes(for: job)), as: UTF8.self)
        #expect(text == expected.replacing("ID", with: job.id.uuidString.lowercased()))
    }

    @Test func `a document says what is held and may be generated, whatever budget the publisher would like`() throws {
        func text(_ body: String, _ estimate: Int64, _ allowance: Allowance?) throws -> String {
            let job = CommandHandlerTestsBench.job(
                body, estimate: MicroUSD(microdollars: estimate), allowance: allowance)
            return String(decoding: try #require(WorkOrderDocument.bytes(for: job)), as: UTF8.self)
                .replacing("\"id\":\"\(job.id.text)\",", with: "")
        }
        let allowance = Allowance(model: "org/m:1 \"x\"", maxTokens: 1234)
        #expect(
            try text(#"{"id":1}"#, 50_000, allowance)
                == #"{"attempt":1,"budget":{"hold_usd":"0.05","max_tokens":1234,"model":"org/m:1 \"x\""}}"#)
        #expect(try text(#"{"id":1}"#, 50_000, nil) == #"{"attempt":1,"budget":{"hold_usd":"0.05"}}"#)
        #expect(try text(#"{"id":1}"#, 0, nil) == #"{"attempt":1}"#)
        let held = #"{"attempt":1,"budget":{"hold_usd":"0.05"},"a":1}"#
        for own in [#""budget":null"#, #""budget":{"hold_usd":"500"}"#, #""\u0062udget":{"hold_usd":"500"}"#] {
            #expect(try text("{\(own),\"a\":1}", 50_000, nil) == held)
            #expect(try text("{\"a\":1,\(own)}", 50_000, nil) == held)
            // Where nothing is held, nothing may look as if it were.
            #expect(try text("{\"a\":1,\(own)}", 0, nil) == #"{"attempt":1,"a":1}"#)
        }
    }

    @Test(arguments: [
        "", "[]", "1", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1}}", "{a:1}", "{\"a\":\"", "{\"a\\",
    ])
    func `a body that is no object is refused`(body: String) {
        #expect(WorkOrderDocument.bytes(for: CommandHandlerTestsBench.job(body)) == nil)
    }

    @Test func `a body of any depth is taken apart without a deep stack`() throws {
        let deep = String(repeating: "[", count: 500_000) + String(repeating: "]", count: 500_000)
        let members = try #require(JSONMembers(Array("{\"a\":\(deep),\"b\":2}".utf8)))
        #expect(members.members.map(\.key) == ["a", "b"])
    }
}
