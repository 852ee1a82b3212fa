import FoundationEssentials
import TestSupport
import Testing

@testable import WorkOrders

/// The published schema of a work order says what the decoder does, field by field.
struct WireSchemaTests {
    private static let samples = [
        "id": #""019aa1b2-c300-752e-89a7-834df2a74de4""#, "kind": #""generate.file-1""#, "title": #""Fill the gaps""#,
        "payload": #"{"module":"slugs"}"#, "lane": #""llm_2""#, "project": #""textkit""#, "agent": #""proposer""#,
        "estimated_cost_usd": #""0.05""#, "max_attempts": "3", "timeout_seconds": "60",
        "priority": "7",
        "run_at": #""2026-01-31T12:00:00Z""#, "depends_on": #"["019aa1b2-c329-7651-8317-1ff4a6a3a450"]"#,
        "concurrency_key": #""repo textkit""#, "unique_key": #""nightly""#, "unique_seconds": "3600",
        "complexity": "0.7", "risk_level": #""high""#, "acceptance_criteria": #"["It compiles"]"#,
        "files_in_scope": #"["a.py"]"#, "metadata": #"{"a":[1]}"#,
    ]
    private static let least = samples.filter { ["kind", "title"].contains($0.key) }

    /// Texts for which no keyword names the limit, because a pattern holds it.
    private static let money = [
        "1000000000", "1000000000.000000", "0001000000000.0", "1000000001", "999999999.999999", "999999999.9999999",
        "1000000000.000001", "1000000000.0000001", "9999999999", "1.", ".5", "1.2.3", "1e3", "-1", "+1", "",
    ].map(JSONValue.quoted)

    private let schema: JSONSchema

    init() throws { schema = try JSONSchema(JSONValue(Repository.text("docs/schemas/work-order.v1.schema.json"))) }

    /// Whether the decoder takes the body. The id may come from either side; what the two say to each other is no matter
    /// of the body's schema.
    private func decodes(_ body: String) -> Bool {
        ["0193c2d4-7a00-7000-8000-0123456789ab", nil].contains { messageID in
            (try? WorkOrderMessage.decode(Array(body.utf8), messageID: messageID, lane: "default")) != nil
        }
    }

    @Test(arguments: samples.keys.sorted())
    func `the decoder takes the values of a field that the schema takes, and no others`(field: String) throws {
        let property = try #require(schema.properties[field])
        var probes = try SchemaProbes(schema).values(of: property, like: JSONValue(try #require(Self.samples[field])))
        if field == "estimated_cost_usd" { probes += Self.money }
        let bodies = probes.map { JSONValue.object(Self.least.merging([field: $0]) { _, probe in probe }) }
        let taken = try bodies.filter { try schema.accepts(JSONValue($0)) }
        let disputed = Set(taken).symmetricDifference(bodies.filter(decodes))
        #expect(disputed.prefix(3).map { $0.prefix(200) } == [])
        #expect(!taken.isEmpty)
        // All but the payload, which may be anything, have a limit.
        #expect((taken.count < bodies.count) == (field != "payload"))
    }

    @Test func `the schema has the fields that the decoder reads, and the payload that it leaves alone`() throws {
        let read = try FieldRecorder.names(WireFields.self, from: Self.samples.mapValues { try JSONValue($0) })
        #expect(Set(schema.properties.keys) == read.union(["payload"]))
        #expect(Set(Self.samples.keys) == read.union(["payload"]))
    }

    @Test(arguments: samples.keys.sorted())
    func `the fields that may not be missing are the required ones`(field: String) {
        let body = JSONValue.object(Self.samples.filter { $0.key != field })
        #expect(decodes(body) == !schema.required.contains(field))
    }

    @Test(arguments: ["null", "1", #""text""#, "[1]", #"{"deep":[null]}"#])
    func `a field that the schema doesn't name may hold anything`(value: String) throws {
        let body = JSONValue.object(Self.least.merging(["surprise": value]) { _, probe in probe })
        #expect(decodes(body))
        #expect(try schema.accepts(JSONValue(body)))
    }

    @Test(arguments: ["null", "true", "1", #""text""#, "[]", #"[{"kind":"k","title":"t"}]"#, "{}"])
    func `what is no object, or an empty one, is refused by both`(body: String) throws {
        #expect(!decodes(body))
        #expect(try !schema.accepts(JSONValue(body)))
    }

    @Test func `the schema's examples and the example work orders are work orders`() throws {
        let lines = try Repository.text("deploy/examples/work-orders.ndjson").split(separator: "\n").map(String.init)
        let examples = schema.root["examples"].array.map(\.text) + lines
        #expect(examples.count > 1)
        for example in examples {
            #expect(decodes(example))
            #expect(try schema.accepts(JSONValue(example)))
        }
    }

    @Test func `the page about the wire format lists the same fields`() throws {
        let documented = try WireFormatPage().fields(of: "The work order: body")
        #expect(documented.all == Set(schema.properties.keys))
        #expect(documented.required == Set(schema.required))
    }

    @Test func `the levels of risk are those of the code`() {
        let documented = schema.properties["risk_level"]?["enum"].array
        #expect(documented.map { Set($0) } == Set(RiskLevel.allCases.map { .string($0.rawValue) } + [.null]))
    }
}
