import AMQP
import ClientManager
import FoundationEssentials
import Logging
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

@Suite(.serialized)
struct ClientManagerTests {
    @Test func `an event delivered twice counts once`() async throws {
        try await Desk.open { desk in
            let event = Desk.event("red", operation: "run")
            try await desk.report([event, event])
            // The queue is in order: when the last is counted, the others were.
            try await desk.report([Desk.event("last", operation: "other")])
            try await desk.waitFor(1, "moose.escalations WHERE operation = 'other'")
            #expect(try await desk.count("moose.escalations WHERE operation = 'run' AND count = 1") == 1)
            #expect(try await desk.count("moose.escalation_events") == 2)
        }
    }

    @Test func `a hundred equal failures are one escalation with a count`() async throws {
        try await Desk.open { desk in
            // Ids and numbers differ each time, the failure doesn't.
            try await desk.report((1...100).map { Desk.event("attempt \($0) of \(UUID()) failed", operation: "run") })
            try await desk.waitFor(100, "moose.escalation_events")
            try await desk.waitFor(1, "moose.escalations WHERE count = 100")
            #expect(try await desk.count("moose.escalations") == 1)
            #expect(
                try await desk.count(
                    "moose.escalation_events v JOIN moose.escalations e ON e.id = v.escalation_id") == 100)
        }
    }

    @Test func `an event nobody can read still reaches a person`() async throws {
        try await Desk.open { desk in
            let bodies: [[UInt8]] = [Array("{not json".utf8), [0xff, 0x00, 0xfe], []]
            try await desk.publisher.publish(
                bodies.map { body in
                    var properties = MessageProperties()
                    properties.messageID = UUID().uuidString
                    return OutgoingMessage(
                        exchange: MooseTopology.eventsExchange, routingKey: "error.critical.stranger",
                        properties: properties, body: body)
                })
            try await desk.waitFor(3, "moose.escalation_events")
            #expect(
                try await desk.count(
                    "moose.escalations WHERE operation = 'intake' AND count = 3 AND severity = 'critical'") == 1)
        }
    }

    @Test func `a message no lane takes is recorded as unroutable and escalated`() async throws {
        try await Desk.open { desk in
            let id = UUID.timeOrdered()
            try await desk.publisher.publish([.workOrder(id: id, lane: "nowhere", body: Array("{}".utf8))])
            try await desk.waitFor(
                1, "moose.dead_letters WHERE reason = 'unroutable' AND work_order_id = '\(id)'", within: .seconds(20))
            try await desk.waitFor(1, "moose.escalations WHERE trigger_type = 'poison_message' AND count = 1")
            #expect(try await desk.count("moose.dead_letters WHERE routing_key = 'nowhere'") == 1)
        }
    }
}
