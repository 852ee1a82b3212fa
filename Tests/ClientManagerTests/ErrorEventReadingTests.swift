import AMQP
import FoundationEssentials
import Messaging
import Store
import TestSupport
import Testing

@testable import ClientManager

/// What the published schema of an error event takes is counted as what it says; what it doesn't take is counted too.
struct ErrorEventReadingTests {
    private static func schema() throws -> JSONSchema {
        try JSONSchema(JSONValue(Repository.text("docs/schemas/error-event.v1.schema.json")))
    }

    @Test(arguments: try schema().properties.keys.sorted())
    func `an event that keeps the schema is counted as itself`(field: String) throws {
        let schema = try Self.schema()
        let property = try #require(schema.properties[field])
        let bodies = try SchemaProbes(schema).values(of: property, like: schema.example[field] ?? .null)
            .map { schema.example(with: $0, as: field) }.filter { try schema.accepts(JSONValue($0)) }
        let misread = try bodies.filter { body in
            let event = EventClassifier.classify(
                Delivery(
                    tag: DeliveryTag(epoch: 0, tag: 1), body: Array(body.utf8), properties: MessageProperties(),
                    exchange: MooseTopology.eventsExchange, routingKey: "error.warning.proposer", redelivered: false))
            let value = try JSONValue(body)
            return event.id != value["id"].string.flatMap(UUID.init(uuidString:))
                || event.workOrderID != value["work_order_id"].string.flatMap(UUID.init(uuidString:))
                || event.severity != value["severity"].string
                || !event.operation.unicodeScalars.elementsEqual(Self.stored(value["operation"]))
                || !event.component.unicodeScalars.elementsEqual(Self.stored(value["component"]))
        }
        #expect(!bodies.isEmpty)
        #expect(misread.prefix(3).map { $0.prefix(300) } == [])
    }

    /// The database takes no NUL.
    private static func stored(_ text: JSONValue) -> [Unicode.Scalar] {
        (text.string ?? "").unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }
    }
}
