import AMQP
import ArgumentParser
import FoundationEssentials
import TestSupport
import Testing
import WorkOrders

@testable import Moose

/// Fields that mean nothing to Moose, and flags that say what the lines of a file leave out.
struct UnknownFieldTests {
    @Test(arguments: [
        ("runat", "run_at"), ("runAt", "run_at"), ("run-at", "run_at"), ("estimated_cost", "estimated_cost_usd"),
        ("estimatedCostUSD", "estimated_cost_usd"), ("timeout", "timeout_seconds"), ("maxattempt", "max_attempts"),
        ("max_atempts", "max_attempts"), ("dependsOn", "depends_on"), ("dependencies", "depends_on"),
        ("uniquekey", "unique_key"), ("risk", "risk_level"), ("Kind", "kind"), ("retries", "max_attempts"),
        ("prio", "priority"),
    ])
    func `a slip of the pen is known`(name: String, meant: String) {
        #expect(UnknownFields.meant(by: name) == meant)
    }

    @Test(arguments: [
        "customer", "repo", "project_id", "agent_version", "title_de", "payload_size", "kind_of_day", "url", "x",
        "prompt", "model", "ticket_id", "language", "état", "", "date", "name", "tags",
        String(repeating: "a", count: 100_000),
    ])
    func `a field of the publisher's own is not`(name: String) {
        #expect(UnknownFields.meant(by: name) == nil)
    }

    @Test(.timeLimit(.minutes(1))) func `a line of very many fields holds nobody up`() {
        let names = (0..<60_000).map { #""f\#($0)":1"# }.joined(separator: ",")
        let line = #"{"kind":"k","title":"t",\#(names)}"#
        let lines = OrderLines(one: Array(line.utf8), lane: "default", limit: 2_000_000, kinds: [])
        #expect(lines.orders.count == 1)
    }

    @Test func `every field of the schema is known`() throws {
        let schema = try Repository.text("docs/schemas/work-order.v1.schema.json")
        struct Schema: Decodable {
            struct Field: Decodable {}
            var properties: [String: Field]
        }
        let names = try JSONDecoder().decode(Schema.self, from: Data(schema.utf8)).properties.keys
        #expect(Set(names) == Set(WorkOrderMessage.fieldNames))
    }

    @Test func `each is told of once, with its first line`() {
        let text = """
            {"kind":"k","title":"a","runat":"2066-01-01T00:00:00Z","customer":7}
            {"kind":"k","title":"b","runat":"x","urgency":9}
            """
        let lines = OrderLines(Array(text.utf8), lane: "default", limit: 1_000_000, kinds: [])
        #expect(lines.orders.count == 2 && lines.problems.isEmpty, "they are no mistake")
        #expect(
            lines.unknown.warnings == [
                "the field runat (line 1 and 1 more) means nothing to Moose and only goes to the handler; did you mean "
                    + "run_at?",
                "the field urgency (line 2) means nothing to Moose and only goes to the handler; did you mean priority?",
            ])
    }

    @Test func `flags say what a line leaves out, and change nothing else of it`() throws {
        let flags = try OrderFlags.parse([
            "--kind", "triage", "--title", "A ticket", "--max-attempts", "2", "--timeout-seconds", "30", "--run-at",
            "2066-01-01T00:00:00Z", "--risk-level", "low", "--files-in-scope", "a/b.py", "--metadata",
            #"{"b": 1, "a": 2}"#,
            "--payload", "[1 , 2]", "--complexity", "0.5",
        ])
        let common = OrderLines.Common(
            defaults: try flags.fields(), replyTo: "answers", correlationID: "c-1")
        let text = """
            { "ticket": 7 ,"title":"mine"}
            {}
            {"kind":null,"title":"t"}
            [1]
            {"x":[1e200,"\\ud800"]}
            """
        let lines = OrderLines(Array(text.utf8), lane: "default", limit: 1_000_000, kinds: [], common: common)
        let bodies = lines.orders.map { String(decoding: $0.message.body, as: UTF8.self) }
        let others =
            #""files_in_scope":["a\/b.py"],"kind":"triage","max_attempts":2,"metadata":{"b": 1, "a": 2},"payload":[1 , 2],"#
            + #""risk_level":"low","run_at":"2066-01-01T00:00:00Z","timeout_seconds":30"#
        #expect(
            bodies == [
                #"{"complexity":0.5,\#(others), "ticket": 7 ,"title":"mine"}"#,
                #"{"complexity":0.5,\#(others),"title":"A ticket"}"#,
                #"{"complexity":0.5,\#(others),"title":"A ticket","x":[1e200,"\ud800"]}"#,
            ])
        #expect(lines.problems.map(\.line) == [3, 4], "null is said, and a list has no fields")
        #expect(
            lines.messages.allSatisfy { $0.properties.replyTo == "answers" && $0.properties.correlationID == "c-1" })
    }
}
