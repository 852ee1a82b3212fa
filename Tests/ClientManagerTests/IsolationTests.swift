import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// One bad message in the Client Manager's queues: the others are recorded, it is put aside.
@Suite(.serialized)
struct IsolationTests {
    private static let refusals = ["22P05", "54000", "XX000", "57014", "42501", "P0001"]

    @Test(arguments: ["component", "operation", "handler", "reason", "class", "message", "everything"])
    func `an event with a text of any length is recorded, and so are the others`(_ field: String) async throws {
        try await Desk.open { desk in
            // Of random words, which no compression makes small.
            let long = (0..<20_000).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined(separator: "x")
            var event = Desk.event("red", operation: "run")
            event.details = [:]
            func isMeant(_ name: String) -> Bool { field == name || field == "everything" }
            if isMeant("component") { event.component = long }
            if isMeant("operation") { event.operation = long }
            if isMeant("handler") { event.details?["handler"] = long }
            if isMeant("reason") { event.details?["reason"] = long }
            if isMeant("class") { event.failureClass = long }
            if isMeant("message") { event.message = long }
            try await desk.report([event, event, Desk.event("other", operation: "last")])
            try await desk.waitFor(1, "moose.escalations WHERE operation = 'last'")
            try await desk.waitFor(2, "moose.escalations")
            #expect(try await desk.count("moose.dead_letters") == 0)
            #expect(
                try await desk.count(
                    """
                    moose.escalations WHERE length(fingerprint) = 67 AND length(component) <= 200
                    AND length(operation) <= 200 AND coalesce(length(handler), 0) <= 200 AND length(message) <= 4000
                    """) == 2)
        }
    }

    @Test(arguments: refusals)
    func `an event the database refuses, for any reason, becomes a dead letter`(_ state: String) async throws {
        try await Desk.open { desk in
            try await Self.curse("escalation_events", "NEW.message = 'cursed'", state, on: desk)
            var events = (0..<20).map { Desk.event("fine \($0)", operation: "run") }
            events.insert(Desk.event("cursed", operation: "run"), at: 7)
            try await desk.report(events)
            try await desk.waitFor(20, "moose.escalation_events WHERE message LIKE 'fine%'")
            try await desk.waitFor(1, "moose.dead_letters WHERE reason = 'refused' AND exchange = 'moose.events'")
            try await desk.waitFor(1, "moose.escalations WHERE trigger_type = 'poison_message'")
        }
    }

    @Test(arguments: refusals)
    func `a dead letter the database refuses, for any reason, is kept by its bytes`(_ state: String) async throws {
        try await Desk.open { desk in
            try await Self.curse("dead_letters", "NEW.headers::text LIKE '%cursed%'", state, on: desk)
            let messages = (0..<12).map { index in
                var message = OutgoingMessage.workOrder(id: .timeOrdered(), lane: "nowhere", body: Array("{}".utf8))
                message.properties.appID = index == 5 ? "cursed" : "fine"
                return message
            }
            try await desk.publisher.publish(messages)
            try await desk.waitFor(11, "moose.dead_letters WHERE reason = 'unroutable' AND headers::text LIKE '%fine%'")
            try await desk.waitFor(
                1, "moose.dead_letters WHERE explanation LIKE 'the database took it in no other form%'")
            try await desk.waitFor(1, "moose.escalations WHERE severity = 'critical'")
        }
    }

    private static func curse(_ table: String, _ condition: String, _ state: String, on desk: Desk) async throws {
        try await desk.store.postgres.runSimple(
            """
            CREATE FUNCTION public.curse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF \(condition) THEN RAISE EXCEPTION 'no' USING ERRCODE = '\(state)'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER curse BEFORE INSERT ON moose.\(table) FOR EACH ROW EXECUTE FUNCTION public.curse()
            """)
    }
}
