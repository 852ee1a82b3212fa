import AMQP
import FoundationEssentials
import Messaging
import Store
import Testing
import WorkOrders

@testable import Publisher
@testable import Worker

/// What deliveries say to a claim, and what its verdicts mean for them, without a server.
struct ClaimBatchTests {
    private static let reader = OrderReader(
        lanes: ["default", "llm"], maxMessageBytes: 200,
        terms: ClaimTerms(
            worker: UUID(), lease: .seconds(45), unknownKindGrace: .seconds(600),
            kinds: ["free": KindTerms(estimate: .zero), "dear": KindTerms(estimate: nil)]))

    private static func taken(_ body: String, id: UUID = UUID(), lane: Int = 0, type: String? = nil) -> Taken {
        var properties = MessageProperties(messageID: "\(id)")
        properties.type = type
        return Taken(
            lane: lane,
            delivery: Delivery(
                tag: DeliveryTag(epoch: 1, tag: 1), body: Array(body.utf8), properties: properties, exchange: "",
                routingKey: "", redelivered: false))
    }

    private static func order(_ item: ClaimItem) -> ClaimedOrder {
        ClaimedOrder(
            id: item.id, token: 1, attempt: 1, estimate: .zero, kind: "free", handler: "free", lane: "default",
            title: "t", maxAttempts: nil, timeoutSeconds: nil, traceparent: nil, body: [])
    }

    @Test func `the lane of an order is the queue it came from, whatever its body says`() throws {
        let batch = ClaimBatch(
            [Self.taken(#"{"kind":"free","title":"t","lane":"default"}"#, lane: 1)], reader: Self.reader)
        guard case .order(let message) = try #require(batch.tries.first).item.form else {
            Issue.record("it is an order")
            return
        }
        #expect(message.lane == "llm")
    }

    @Test func `what can't be an order is told apart from what waits and what can be claimed`() throws {
        let twice = UUID()
        let batch = ClaimBatch(
            [
                Self.taken(#"{"kind":"free","title":"t"}"#, id: twice), Self.taken("{", id: UUID()),
                Self.taken(#"{"kind":"free","title":"again"}"#, id: twice),
                Self.taken(#"{"kind":"dear","title":"t"}"#),
                Self.taken(#"{"kind":"dear","title":"t","estimated_cost_usd":"0.1"}"#),
                Self.taken(#"{"kind":"elsewhere","title":"t"}"#),
                Self.taken(#"{"kind":"free","title":"\#(String(repeating: "x", count: 300))"}"#),
                Self.taken("", type: MessageType.registered),
            ], reader: Self.reader)
        #expect(batch.tries.count == 4, "the first, the priced one, the one of another worker's kind and the doorbell")
        #expect(batch.repeated.count == 1)
        #expect(batch.invalid.map(\.why.reason) == [.malformed, .unknownPrice, .oversize])
        #expect(Set(batch.tries.map(\.claim)).count == 1, "one claim has one name")
    }

    @Test func `verdicts say what runs, whose slot is free and what is acknowledged after its letter`() {
        let batch = ClaimBatch(
            (0..<4).map { _ in Self.taken(#"{"kind":"free","title":"t"}"#) }, reader: Self.reader)
        let meaning = ClaimBatch.meaning(
            of: [.run(Self.order(batch.tries[0].item)), .duplicate, .later, .invalid(reason: "id_reused")],
            for: batch.tries)
        #expect(meaning.orders.map(\.order.id) == [batch.tries[0].item.id])
        #expect(meaning.freed == [0, 0, 0])
        #expect(meaning.answered.count == 3 && meaning.refused.count == 1)
        #expect(
            Dictionary(uniqueKeysWithValues: meaning.counts.all.map { ($0.label, $0.count) }) == [
                "run": 1, "duplicate": 1, "later": 1, "invalid": 1,
            ])
        #expect(meaning.leavesWork)
        let quiet = ClaimBatch.meaning(of: [.run(Self.order(batch.tries[0].item)), .duplicate], for: batch.tries)
        #expect(!quiet.leavesWork, "nothing was left for the relay")
    }

    @Test func `the age of a batch is that of its oldest order, by ids that carry their time`() {
        let made = Date(timeIntervalSince1970: Date.now.timeIntervalSince1970 - 30)
        let batch = ClaimBatch([Self.taken(#"{"kind":"free","title":"t"}"#)], reader: Self.reader)
        #expect(batch.oldestAge(at: .now) == nil, "an id of version 4 says nothing")
        let timed = ClaimBatch(
            [Self.taken(#"{"kind":"free","title":"t"}"#, id: .timeOrdered())], reader: Self.reader)
        let age = timed.oldestAge(at: Date(timeIntervalSince1970: made.timeIntervalSince1970 + 60))
        #expect(age.map { $0 > .seconds(25) && $0 < .seconds(35) } == true)
    }
}
