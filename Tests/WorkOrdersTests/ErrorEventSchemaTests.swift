import FoundationEssentials
import TestSupport
import Testing

@testable import WorkOrders

/// The published schema of an error event says what the code writes, and asks nothing that the code doesn't read.
struct ErrorEventSchemaTests {
    private static func schema(ignoring ignored: Set<JSONSchema.Keyword> = []) throws -> JSONSchema {
        try JSONSchema(JSONValue(Repository.text("docs/schemas/error-event.v1.schema.json")), ignoring: ignored)
    }

    private func decodes(_ body: String) -> Bool {
        (try? JSONDecoder().decode(ErrorEvent.self, from: Data(body.utf8))) != nil
    }

    /// What is wrong within a text or a time is the publisher's mistake, and no reason to lose the event.
    @Test(arguments: try schema().properties.keys.sorted())
    func `the code reads what the schema takes, and nothing of another type`(field: String) throws {
        let (strict, loose) = (
            try Self.schema(), try Self.schema(ignoring: [.minLength, .maxLength, .format, .pattern])
        )
        let property = try #require(strict.properties[field])
        let probes = try SchemaProbes(strict).values(of: property, like: strict.example[field] ?? .null)
        let bodies = probes.map { strict.example(with: $0, as: field) }
        let lost = try bodies.filter { try strict.accepts(JSONValue($0)) && !decodes($0) }
        let mistaken = try bodies.filter { try decodes($0) && !loose.accepts(JSONValue($0)) }
        #expect((lost + mistaken).prefix(3).map { $0.prefix(300) } == [])
        #expect(bodies.contains(where: decodes) && !bodies.allSatisfy(decodes))
    }

    @Test func `the schema has the fields that the code has`() throws {
        let schema = try Self.schema()
        #expect(try Set(schema.properties.keys) == FieldRecorder.names(ErrorEvent.self, from: schema.example))
        #expect(Set(schema.properties.keys) == Set(schema.example.keys))
    }

    @Test(arguments: try schema().properties.keys.sorted())
    func `the fields that may not be missing are the required ones`(field: String) throws {
        let schema = try Self.schema()
        #expect(decodes(schema.example(with: nil, as: field)) == !schema.required.contains(field))
    }

    @Test func `what the code writes keeps the schema`() throws {
        let schema = try Self.schema()
        let plain = ErrorEvent(component: "c", operation: "o", severity: .warning, message: "m")
        let full = FailureClass.allCases.map { failureClass in
            ErrorEvent(
                component: "c", operation: "o", severity: .critical, message: "Füße \u{0}", workOrderID: .timeOrdered(),
                failureClass: failureClass, details: ["exit_code": "1"])
        }
        for event in full + [plain] {
            let body = String(decoding: try JSONEncoder().encode(event), as: UTF8.self)
            #expect(try schema.accepts(JSONValue(body)), "\(body)")
        }
    }

    @Test func `severities and failure classes are those of the code`() throws {
        let schema = try Self.schema()
        func choices(_ field: String) throws -> Set<JSONValue> {
            Set(try schema.alternatives(of: try #require(schema.properties[field])).flatMap { $0["enum"].array })
        }
        #expect(try choices("severity") == Set(Severity.allCases.map { .string($0.rawValue) }))
        #expect(try choices("failure_class") == Set(FailureClass.allCases.map { .string($0.rawValue) }))
    }

    @Test func `the page about the wire format lists the same fields`() throws {
        let documented = try WireFormatPage().fields(of: "Error events")
        let schema = try Self.schema()
        #expect(documented.all == Set(schema.properties.keys))
        #expect(documented.required == Set(schema.required))
    }

    @Test func `the schema's example is an event`() throws {
        let schema = try Self.schema()
        #expect(try decodes(schema.example(with: nil, as: "")) && schema.accepts(.object(schema.example)))
    }
}
