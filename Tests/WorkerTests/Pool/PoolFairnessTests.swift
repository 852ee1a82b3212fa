import AMQP
import FoundationEssentials
import Testing

@testable import Worker

/// Which deliveries a batch takes.
struct PoolFairnessTests {
    private static func pool(_ lanes: (slots: Int, weight: Int, waiting: Int)...) -> PoolState {
        var state = PoolState(
            lanes: lanes.enumerated().map { .init(name: "l\($0)", slots: $1.slots, weight: $1.weight) })
        for (index, lane) in lanes.enumerated() {
            arrive((0..<lane.waiting).map { _ in delivery() }, lane: index, &state)
        }
        return state
    }

    private static func delivery(_ id: UUID = UUID()) -> Delivery {
        Delivery(
            tag: DeliveryTag(epoch: 1, tag: 1), body: [], properties: MessageProperties(messageID: id.uuidString),
            exchange: "", routingKey: "", redelivered: false)
    }

    private static func arrive(_ deliveries: [Delivery], lane: Int = 0, _ state: inout PoolState) {
        #expect(state.arrive(deliveries, lane: lane, at: .now) { _ in false })
    }

    private static func counts(_ taken: [Taken], lanes: Int) -> [Int] {
        (0..<lanes).map { lane in taken.count { $0.lane == lane } }
    }

    @Test func `a batch is shared by the weights, and the first lane takes no more than its share`() {
        var state = Self.pool((1000, 1, 1000), (1000, 3, 1000), (1000, 6, 1000))
        #expect(Self.counts(state.takeClaimable(upTo: 100), lanes: 3) == [10, 30, 60])
    }

    @Test func `no lane starves, however small its share of a batch`() {
        var state = Self.pool((1000, 100, 5000), (1000, 1, 50))
        var taken = [0, 0]
        for _ in 1...50 {
            let counts = Self.counts(state.takeClaimable(upTo: 20), lanes: 2)
            taken = [taken[0] + counts[0], taken[1] + counts[1]]
        }
        #expect(taken.reduce(0, +) == 1000)
        #expect((8...11).contains(taken[1]))
    }

    @Test func `what a lane can't use the others take, up to their slots`() {
        var state = Self.pool((4, 1, 100), (100, 50, 3), (5, 1, 100))
        #expect(Self.counts(state.takeClaimable(upTo: 500), lanes: 3) == [4, 3, 5])
        state.release(Array(repeating: 2, count: 5))
        #expect(Self.counts(state.takeClaimable(upTo: 500), lanes: 3) == [0, 0, 5])
    }

    @Test func `a lane that was idle has saved nothing up`() {
        var state = Self.pool((1000, 1, 1000), (1000, 1, 0))
        _ = state.takeClaimable(upTo: 500)
        Self.arrive((1...200).map { _ in Self.delivery() }, lane: 1, &state)
        #expect(Self.counts(state.takeClaimable(upTo: 100), lanes: 2) == [50, 50])
    }

    @Test func `a worker that stops takes nothing more, whatever is at hand`() {
        var state = Self.pool((10, 1, 5), (10, 1, 5))
        state.stop()
        #expect(state.takeClaimable(upTo: 10).isEmpty)
        #expect(state.lanes.map(\.waiting.count) == [5, 5], "it can be given back")
    }

    @Test func `a second message of one id waits, in its place`() {
        let id = UUID()
        var state = Self.pool((10, 1, 0))
        Self.arrive([Self.delivery(id), Self.delivery(id), Self.delivery()], &state)
        #expect(state.takeClaimable(upTo: 10).count == 2)
        #expect(state.lanes[0].waiting.map { $0.delivery.properties.messageID } == [id.uuidString])
    }
}
