import AMQP
import FoundationEssentials
import Messaging
import TestSupport
import Testing
import WorkOrders

/// docs/asyncapi.yaml says of exchanges, addresses and messages what the code does.
struct AsyncAPITests {
    private let document: AsyncAPIDocument
    private let order = OutgoingMessage.workOrder(
        id: .timeOrdered(), lane: "llm_2", body: [], appID: "service", traceparent: "00-1-2-00")
    private let event = ErrorEvent(component: "Proposer-2", operation: "o", severity: .warning, message: "m")

    init() throws { document = try AsyncAPIDocument() }

    @Test func `every reference leads somewhere`() throws {
        #expect(document.references.count > 10)
        for reference in document.references {
            let target = try document.resolve(reference)
            #expect(!target.object.isEmpty, "\(reference)")
        }
        for (channel, file) in [("workOrders", "work-order"), ("errorEvents", "error-event")] {
            let schema = try document.message(of: channel)["payload"]["schema"]
            #expect(schema["$ref"] == .string("./schemas/\(file).v1.schema.json"))
        }
    }

    @Test func `the exchanges are those of the topology`() throws {
        let declared = MooseTopology.topology(lanes: ["default"]).exchanges
        let names = [
            "workOrders": MooseTopology.workExchange, "errorEvents": MooseTopology.eventsExchange,
            "budgetThresholds": MooseTopology.eventsExchange,
        ]
        #expect(Set(document.root["channels"].object.keys) == Set(names.keys).union(["outcomes"]))
        for (channel, name) in names {
            let binding = try document.channel(channel)["bindings"]["amqp"]
            let exchange = try #require(declared.first { $0.name == name })
            #expect(binding["is"] == .string("routingKey"))
            let documented: [String: JSONValue] = [
                "name": .string(exchange.name), "type": .string(exchange.kind), "durable": .bool(exchange.durable),
                "autoDelete": .bool(false),
            ]
            #expect(binding["exchange"] == .object(documented))
        }
        let outcomes = try document.channel("outcomes")
        #expect(outcomes["address"] == .null)
        #expect(outcomes["bindings"]["amqp"]["exchange"] == .object(["name": .string(""), "type": .string("default")]))
    }

    @Test func `a work order's address is its lane`() throws {
        let channel = try document.channel("workOrders")
        #expect(try address(channel, ["lane": "llm_2"]) == order.routingKey)
        #expect(order.exchange == MooseTopology.workExchange)
        let lane = channel["parameters"]["lane"]
        for example in lane["examples"].array + [lane["default"]] {
            #expect(throws: Never.self) { try FieldRule.lane.check(try #require(example.string), "lane") }
        }
        let schema = try document.resolve("./schemas/work-order.v1.schema.json")
        let pattern = try #require(schema["properties"]["lane"]["pattern"].string)
        #expect(try #require(lane["description"].string).contains(pattern))
        let topology = MooseTopology.topology(lanes: ["llm_2"])
        #expect(topology.bindings.contains { $0.exchange == order.exchange && $0.routingKey == order.routingKey })
    }

    @Test func `an error event's address names severity and component`() throws {
        let channel = try document.channel("errorEvents")
        let message = try OutgoingMessage.errorEvent(event)
        #expect(try address(channel, ["severity": "warning", "component": "Proposer_2"]) == message.routingKey)
        #expect(message.exchange == MooseTopology.eventsExchange)
        #expect(
            channel["parameters"]["severity"]["enum"].array == Severity.allCases.map { .string($0.rawValue) })
        // The queue's binding takes what begins like the address.
        let binding = MooseTopology.topology(lanes: []).bindings.first { $0.exchange == message.exchange }
        #expect(binding?.routingKey == "error.#")
        #expect(try #require(channel["address"].string).hasPrefix("error."))
    }

    /// The address with its parameters filled in; each must be described, and no other.
    private func address(_ channel: JSONValue, _ parameters: [String: String]) throws -> String {
        #expect(Set(channel["parameters"].object.keys) == Set(parameters.keys))
        var address = try #require(channel["address"].string)
        for (name, value) in parameters {
            let parts = address.split(separator: "{\(name)}", omittingEmptySubsequences: false)
            #expect(parts.count == 2, "\(name)")
            address = parts.joined(separator: value)
        }
        return address
    }

    @Test(arguments: [
        ("workOrders", MessageType.workOrder), ("errorEvents", MessageType.errorEvent),
        ("outcomes", MessageType.outcome),
        ("budgetThresholds", MessageType.budgetEvent),
    ])
    func `a message has its type in every place that names it`(channel: String, type: String) throws {
        let message = try document.message(of: channel)
        #expect(message["name"] == .string(type))
        #expect(message["bindings"]["amqp"]["messageType"] == .string(type))
        #expect(message["headers"]["properties"]["type"]["const"] == .string(type))
        #expect(message["contentType"] == .string("application/json"))
        #expect(document.root["components"]["messages"].object.count == 4)
    }

    @Test func `the properties of a work order are those that a message can carry`() throws {
        let names = PropertyNames(order.properties)
        // These mean nothing to Moose; only a move between queues keeps them, and the broker's word on who published.
        let carried = names.all.union(order.properties.headers.keys)
            .subtracting(["content_type", "content_encoding", "priority", "expiration", "user_id", "cluster_id"])
        #expect(try Set(headers("workOrders").keys) == carried)
    }

    @Test func `what the code writes is documented, with its value where it is always the same`() throws {
        for (channel, message) in [("workOrders", order), ("errorEvents", try .errorEvent(event))] {
            let written = PropertyNames(message.properties).written
            let documented = try headers(channel)
            #expect(Set(documented.keys).isSuperset(of: Set(written.keys).subtracting(["content_type"])))
            for (name, header) in documented where header["const"] != .null {
                #expect(header["const"] == written[name], "\(name)")
            }
            #expect(try document.message(of: channel)["contentType"] == written["content_type"])
        }
        // An error event carries nothing else.
        #expect(try Set(headers("errorEvents").keys) == ["message_id", "type", "delivery_mode"])
    }

    private func headers(_ channel: String) throws -> [String: JSONValue] {
        try document.message(of: channel)["headers"]["properties"].object
    }
}
