import Testing

@testable import AMQP

@Suite struct PublishBatchTests {
    /// What a batch of three ends with.
    private func outcome(_ script: (PublishBatch) -> Void) async -> AMQPError? {
        let result: Result<Void, AMQPError> = await withCheckedContinuation { continuation in
            let batch = PublishBatch(
                id: 1, messages: Broker.messages(0..<3, for: "q", mandatory: true), deadline: .now,
                reply: Reply(continuation))
            for index in 0..<3 { batch.sent(index) }
            script(batch)
        }
        guard case .failure(let error) = result else { return nil }
        return error
    }

    private let unroutable = InboundFrame.ReturnOpening(code: 312, text: "NO_ROUTE", exchange: "", routingKey: "q")

    @Test func `it succeeds with its last confirm`() async {
        let error = await outcome { batch in for index in 0..<3 { batch.confirmed(index) } }
        #expect(error == nil)
    }

    @Test func `a late nack fails only its own message`() async {
        let error = await outcome { batch in
            batch.confirmed(0)
            batch.confirmed(2)
            batch.nacked(1)
            batch.giveUp(.timeout(operation: "confirm"))
        }
        #expect(error == .nacked([1]))
    }

    @Test func `when nothing is confirmed the cause is the error`() async {
        let error = await outcome { batch in batch.giveUp(.blocked(reason: "memory")) }
        #expect(error == .blocked(reason: "memory"))
    }

    @Test func `what is unknown is listed when the rest is confirmed`() async {
        let error = await outcome { batch in
            batch.confirmed(1)
            batch.nacked(0)
            batch.giveUp(.closed)
        }
        #expect(error == .unconfirmed([0, 2], reason: "\(AMQPError.closed)"))
    }

    @Test func `a returned message fails its batch after the others are confirmed`() async {
        let error = await outcome { batch in
            #expect(!batch.returned(0, unroutable, messageID: "1", body: Array("1".utf8)))
            #expect(batch.returned(1, unroutable, messageID: "1", body: Array("1".utf8)))
            #expect(!batch.returned(1, unroutable, messageID: "1", body: Array("1".utf8)))
            for index in 0..<3 { batch.confirmed(index) }
        }
        #expect(error == .returned([1], text: "NO_ROUTE (exchange '', routing key 'q')"))
    }

    @Test func `after its end it holds no messages and answers nothing more`() async {
        let error = await outcome { batch in
            batch.giveUp(.closed)
            #expect(batch.messages.isEmpty)
            for index in 0..<3 { batch.confirmed(index) }
            batch.giveUp(.cancelled)
        }
        #expect(error == .closed)
    }
}
