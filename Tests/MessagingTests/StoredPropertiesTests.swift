import AMQP
import FoundationEssentials
import Messaging
import Testing

struct StoredPropertiesTests {
    @Test func `every property and header survives the database, with its type`() throws {
        var properties = MessageProperties(
            messageID: "m", contentType: "application/json", type: "t", appID: "a", correlationID: "c", replyTo: "r",
            timestamp: 7, deliveryMode: .transient,
            headers: [
                "text": "ü\0", "number": 5, "flag": true, "double": .double(2), "bytes": .bytes([0, 255]),
                "time": .timestamp(9), "nothing": .void, "list": .array([1, "a", .array([])]),
                "table": .table(["x": .table([:])]), "strange": .table(["!bytes": "no bytes"]),
            ])
        properties.contentEncoding = "gzip"
        properties.priority = 3
        properties.expiration = "1000"
        let text = properties.json
        #expect(try MessageProperties(json: text) == properties)
        #expect(properties.json == text, "equal messages have equal texts: redeliveries are told by it")
        #expect(try MessageProperties(json: MessageProperties().json) == MessageProperties())
    }

    @Test func `the newest death tells where a message was going, and nothing of it travels on`() throws {
        func death(_ queue: String, _ reason: String) -> FieldValue {
            .table([
                "queue": .string(queue), "reason": .string(reason), "count": 2, "time": .timestamp(5),
                "exchange": "partner", "routing-keys": .array(["orders"]),
            ])
        }
        let headers: FieldTable = [
            "x-death": .array([death("inbox", "delivery_limit"), death("first", "expired")]),
            "x-first-death-queue": "first", "x-first-death-reason": "expired", "x-first-death-exchange": "",
            "x-last-death-queue": "inbox", "x-delivery-count": 3, "traceparent": "00-1",
        ]
        let found = try #require(BrokerDeath(headers))
        #expect(found.queue == "inbox" && found.reason == "delivery_limit" && found.count == 2 && found.time == 5)
        #expect(found.exchange == "partner" && found.routingKey == "orders")
        #expect(BrokerDeath.stripped(headers) == ["traceparent": "00-1"])
        #expect(BrokerDeath([:]) == nil)
        let mark = RedriveMark(letter: UUID(), number: 3)
        #expect(RedriveMark(mark.added(to: ["a": 1])) == mark)
        #expect(RedriveMark(["moose-redrive": "nonsense"]) == nil)
    }
}
