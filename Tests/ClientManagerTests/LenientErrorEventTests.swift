import AMQP
import FoundationEssentials
import Store
import Testing
import WorkOrders

@testable import ClientManager

/// Error events as services send them, good and bad: each is counted once, and says what of it could not be read.
struct LenientErrorEventTests {
    private static let id = "0193c2d4-7a00-7000-8000-0123456789AB"

    private func event(_ body: String, messageID: String? = nil) -> ClassifiedEvent {
        var properties = MessageProperties()
        properties.messageID = messageID
        return EventClassifier.classify(
            Delivery(
                tag: DeliveryTag(epoch: 0, tag: 1), body: Array(body.utf8), properties: properties,
                exchange: "moose.events", routingKey: "error.warning.proposer", redelivered: false))
    }

    @Test func `without an id the message's counts`() {
        let body = #"{"component":"c","operation":"o","severity":"warning","message":"m"}"#
        #expect(event(body, messageID: Self.id).id == UUID(uuidString: Self.id))
        #expect(event(body).component == "c")
        let other = #"{"id":"no id","component":"c","operation":"o","severity":"warning","message":"m"}"#
        #expect(event(other, messageID: Self.id).id == UUID(uuidString: Self.id))
        #expect(event(other).details.contains(#""unread":"id""#))
    }

    @Test(arguments: [
        (#""component":"""#, "component", ""), (#""component":null"#, "component", ""),
        (#""component":7"#, "component", "component"),
        (#""operation":"""#, "operation", ""), (#""operation":["o"]"#, "operation", "operation"),
    ])
    func `who or what nobody said is unknown`(_ new: String, _ field: String, _ unread: String) {
        let body = #"{"component":"c","operation":"o","severity":"critical","message":"m"}"#
        let old = field == "component" ? #""component":"c""# : #""operation":"o""#
        let event = event(body.replacing(old, with: new))
        #expect((field == "component" ? event.component : event.operation) == "unknown")
        #expect((field == "component" ? event.operation : event.component).count == 1)
        #expect(event.severity == "critical")
        #expect(event.details.contains(#""unread""#) == !unread.isEmpty)
    }

    @Test func `a name that goes on and on is cut`() {
        let long = String(repeating: "ü", count: 5000)
        let event = event(#"{"component":"\#(long)","operation":"\#(long)","severity":"warning","message":"m"}"#)
        #expect(event.component == String(repeating: "ü", count: 200))
        #expect(event.operation.count == 200)
    }

    @Test(arguments: [
        (#""severity":"fatal""#, "severity"), (#""severity":1"#, "severity"),
        (#""work_order_id":"x""#, "work_order_id"),
        (#""work_order_id":5"#, "work_order_id"), (#""failure_class":{}"#, "failure_class"),
        (#""details":[]"#, "details"),
        (#""details":"x""#, "details"), (#""occurred_at":1"#, "occurred_at"), (#""component":"\ud800""#, "component"),
    ])
    func `a field that can't be read is left out and named`(field: String, name: String) {
        let event = event(#"{"message":"what went wrong",\#(field)}"#)
        #expect(event.message == "what went wrong")
        #expect(event.details.contains("\"unread\":\"\(name)\""), "\(event.details)")
    }

    @Test(arguments: [
        ("{}", "message is missing"), (#"{"message":null}"#, "message is no text"),
        (#"{"message":5}"#, "message is no text"),
        (#"{"message":"\ud800"}"#, "message is no text"), ("[]", "no JSON object"), ("nonsense", "not valid JSON"),
        (#"{"message":"a","message":"b"}"#, "message stands twice"),
        (#"{"message":"a","details":{"x":"1","x":"2"}}"#, "details.x stands twice"),
    ])
    func `what tells nothing is counted as an event that says why`(body: String, why: String) {
        let event = event(body)
        #expect(event.message == "an error event could not be read")
        #expect(event.details.contains(why), "\(event.details)")
    }
}
