import AMQP
import FoundationEssentials
import Messaging
import Testing

struct StoredPropertiesTests {
    @Test func `every property and header is told, with its type`() throws {
        var properties = MessageProperties(
            messageID: "m", contentType: "application/json", type: "t", appID: "a", correlationID: "c", replyTo: "r",
            timestamp: 7, deliveryMode: .transient,
            headers: [
                "text": "ü\n\"\\\u{1}", "number": 5, "flag": true, "double": .double(2), "bytes": .bytes([0, 255]),
                "time": .timestamp(9), "nothing": .void, "list": .array([1, "a", .array([])]),
                "table": .table(["x": .table([:])]), "strange": .table(["!bytes": "no bytes"]),
                "decimal": .decimal(scale: 3, -5), "encoded": .encoded([70, 0, 0, 0, 0]), "endless": .double(.infinity),
            ])
        properties.contentEncoding = "gzip"
        properties.priority = 3
        properties.expiration = "1000"
        let text = properties.json
        #expect(try MessageProperties(json: text) == properties)
        #expect(properties.json == text && text.contains(#""decimal":{"!decimal":"-0.005"}"#))
        #expect(try MessageProperties(json: MessageProperties().json) == MessageProperties())
    }

    @Test(arguments: [
        ["long": .string(String(repeating: "\u{1F4A9}", count: 30_000))],
        ["bytes": .bytes([UInt8](repeating: 1, count: 130_000))],
        ["list": .array([FieldValue](repeating: .void, count: 130_000))],
        FieldTable(uniqueKeysWithValues: (0..<30_000).map { ("\($0)", FieldValue.table(["a": .array([1])])) }),
        ["nul": "a\0b", "k\0": .string(WireText.text([0xff]))],
    ]) func `whatever a header holds, its text is bounded JSON without a NUL`(_ headers: FieldTable) throws {
        let text = MessageProperties(messageID: "m", headers: headers).json
        #expect(text.utf8.count < 200_000 && !text.contains("\\u0000"))
        #expect(try MessageProperties(json: text).messageID == "m")
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
        #expect(headers.keys.filter { !BrokerDeath.isOwnHeader($0) } == ["traceparent"])
        #expect(BrokerDeath([:]) == nil)
        let mark = RedriveMark(letter: UUID(), number: 3, key: UUID(), body: [1, 2, 3])
        #expect(RedriveMark(mark.headers) == mark)
        #expect(RedriveMark(["moose-redrive": "nonsense"]) == nil)
    }

    @Test func `a publisher's header that only begins like one of the broker's is the publisher's and travels on`() {
        let others = [
            "x-death-but-mine", "x-delivery-counter", "x-first-death", "x-last-death-reasons", "X-Death", "x-deaths",
        ]
        let names = others + ["x-death", "x-last-death-reason", "x-delivery-count"]
        let headers = FieldTable(uniqueKeysWithValues: names.map { ($0, FieldValue.int64(1)) })
        let forwarded = WireProperties(MessageProperties(headers: headers))?.forwarded(without: BrokerDeath.isOwnHeader)
        #expect(forwarded.map { Set($0.readable.headers.keys) } == Set(others))
    }
}
