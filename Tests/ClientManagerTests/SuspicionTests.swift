import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

/// A message that ends whoever reads it comes back each time, and what waits beside it as well.
@Suite(.serialized)
struct SuspicionTests {
    /// As the broker hands it out after so many returns.
    private static func message(_ body: String, returns: Int64) -> (id: UUID, message: OutgoingMessage) {
        let id = UUID.timeOrdered()
        var message = OutgoingMessage.workOrder(id: id, lane: "nowhere", body: Array(body.utf8))
        message.properties.headers["x-delivery-count"] = .int64(returns)
        return (id, message)
    }

    @Test func `what three readers began and none answered is put aside unread, and nothing else`() async throws {
        try await Desk.open { desk in
            let bad = Self.message(#"{"kind":"bad"}"#, returns: 9)
            let id = try #require(bad.message.properties.messageID)
            for _ in 1...3 { _ = try await desk.store.beginMessage(bad.message.body, id: id) }
            let beside = (0..<10).map { Self.message(#"{"kind":"k\#($0)"}"#, returns: 9 + $0) }
            let fresh = Self.message(#"{"kind":"fresh"}"#, returns: 0)
            try await desk.publisher.publish([bad.message] + beside.map(\.message) + [fresh.message])
            try await desk.waitFor(11, "moose.dead_letters WHERE reason = 'unroutable' AND kind IS NOT NULL")
            try await desk.waitFor(
                1, "moose.dead_letters WHERE reason = 'poison' AND kind IS NULL AND headers::text = '{}'")
            try await desk.waitFor(1, "moose.escalations WHERE severity = 'critical'")
            try await desk.waitFor(0, "moose.begun_messages")
        }
    }

    @Test func `a message that came back rarely is noted nowhere`() async throws {
        try await Desk.open { desk in
            let once = Self.message("{}", returns: 3)
            let id = try #require(once.message.properties.messageID)
            for _ in 1...5 { _ = try await desk.store.beginMessage(once.message.body, id: id) }
            try await desk.publisher.publish([once.message])
            try await desk.waitFor(1, "moose.dead_letters WHERE reason = 'unroutable'")
            #expect(try await desk.count("moose.begun_messages WHERE times = 5") == 1)
        }
    }
}
