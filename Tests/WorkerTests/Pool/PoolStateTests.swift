import AMQP
import FoundationEssentials
import Store
import Testing
import WorkOrders

@testable import Worker

/// Who is woken by what, and what a stop still lets through: the worker's state without any server.
struct PoolStateTests {
    private static func state(slots: Int = 1) -> PoolState {
        PoolState(lanes: [.init(name: "default", slots: slots)])
    }

    private static func delivery() -> Delivery {
        Delivery(
            tag: DeliveryTag(epoch: 1, tag: 1), body: [], properties: MessageProperties(messageID: "\(UUID())"),
            exchange: "", routingKey: "", redelivered: false)
    }

    private static func finish(_ key: LeaseKey) -> FinishTry {
        FinishTry(
            lane: 0,
            item: FinishItem(
                id: key.id, token: key.token, ending: .completed, report: AttemptReport(didStart: true),
                handler: "work",
                duration: .zero))
    }

    private static func job() -> RunningJob { RunningJob(task: Task {}, cancelFlag: CancelFlag()) }

    /// However a slot becomes free, what waits for one is claimed.
    @Test func `whatever frees a slot rings for claims`() {
        var state = Self.state()
        #expect(state.arrive([Self.delivery(), Self.delivery()], lane: 0, at: .now) { _ in false })
        #expect(state.takeWakes() == .claims)
        let taken = state.takeClaimable(upTo: 10)
        #expect(taken.count == 1 && state.takeWakes().isEmpty)
        #expect(state.takeClaimable(upTo: 10).isEmpty, "no slot is free")

        state.release([0])
        #expect(state.takeWakes() == .claims)

        #expect(state.reserve([0]) == .reserved)
        #expect(state.reserve([0]) == .full)
        #expect(state.takeWakes().isEmpty)
        state.release([0])
        #expect(state.takeWakes() == .claims, "also where a claim apart had it")

        let key = LeaseKey(id: UUID(), token: 1)
        state.take([0])
        #expect(state.start(key, lane: 0, Self.job)?.isCancelled == false)
        state.end(Self.finish(key))
        #expect(state.takeWakes() == .finishes)
        state.settle(state.takeFinishes(upTo: 10))
        #expect(state.takeWakes() == .claims, "a delivery waits: nobody has to look for more")
        #expect(state.running == 0 && state.jobs.isEmpty)

        #expect(state.setSlots(3, lane: 0) == 1)
        #expect(state.takeWakes() == .claims)
        #expect(state.setSlots(2, lane: 0) == 3)
        #expect(state.takeWakes().isEmpty, "fewer slots let nobody go on")

        state.putBack(taken, at: .now)
        #expect(state.takeWakes() == .claims)
    }

    @Test func `a machine that is well again rings for what came before its trouble`() {
        var state = Self.state()
        let isNews = state.hostFailed("no memory", at: .now)
        #expect(isNews)
        #expect(state.arrive([Self.delivery()], lane: 0, at: .now) { _ in false })
        _ = state.takeWakes()
        #expect(state.takeClaimable(upTo: 1).isEmpty)
        state.hostProbed("still none", at: .now)
        #expect(state.takeWakes().isEmpty)
        state.hostProbed(nil, at: .now)
        #expect(state.takeWakes() == .claims)
        #expect(state.takeClaimable(upTo: 1).count == 1)
    }

    @Test func `an end rings when none waits, and whoever writes them goes on until none is left`() {
        var state = Self.state(slots: 3)
        let keys = (1...3).map { LeaseKey(id: UUID(), token: $0) }
        state.take([0, 0, 0])
        for key in keys { #expect(state.start(key, lane: 0, Self.job) != nil) }
        state.end(Self.finish(keys[0]))
        state.end(Self.finish(keys[1]))
        #expect(state.takeWakes() == .finishes)
        #expect(state.takeFinishes(upTo: 1).count == 1)
        state.end(Self.finish(keys[2]))
        #expect(state.takeWakes().isEmpty, "one waits still: its writer is at it")
        #expect(state.takeFinishes(upTo: 10).count == 2)
        #expect(state.takeFinishes(upTo: 10).isEmpty)
    }

    @Test func `an end that a job brings is seen by whoever looks, and rings its writer`() async {
        let board = PoolBoard(lanes: [.init(name: "default", slots: 2)])
        var rings = board.finishRings.makeAsyncIterator()
        let keys = (1...2).map { LeaseKey(id: UUID(), token: $0) }
        board.change { state in
            state.take([0, 0])
            for key in keys { #expect(state.start(key, lane: 0, Self.job) != nil) }
        }
        board.end(Self.finish(keys[0]))
        #expect(board.look { $0.jobs.endedCount == 1 && $0.finishes.count == 1 })
        board.end(Self.finish(keys[1]))
        await rings.next()
        #expect(board.change { $0.takeFinishes(upTo: 10) }.map(\.key) == keys)
        board.end(Self.finish(keys[1]))
        await rings.next()
    }

    @Test func `work that began clears the doubts of the machine`() {
        var state = Self.state(slots: 2)
        func firstProbe(after now: PoolState.Instant) -> Bool {
            state.host.wantsProbe(at: now + HostState.firstWait)
        }
        let now = PoolState.Instant.now
        for _ in 1...3 {
            _ = state.hostFailed("no memory", at: now)
            #expect(firstProbe(after: now))
            state.hostProbed(nil, at: now)
            let key = LeaseKey(id: UUID(), token: 1)
            state.take([0])
            #expect(state.start(key, lane: 0, Self.job) != nil)
            state.end(Self.finish(key))
            state.settle(state.takeFinishes(upTo: 10))
        }
        _ = state.hostFailed("no memory", at: now)
        state.hostProbed(nil, at: now)
        _ = state.hostFailed("no memory", at: now)
        #expect(!firstProbe(after: now), "nothing has begun since")
    }

    @Test func `a state is idle only when nothing is claimed, runs, or waits to be written`() {
        var state = Self.state(slots: 2)
        let key = LeaseKey(id: UUID(), token: 1)
        #expect(state.isIdle)
        #expect(state.reserve([0]) == .reserved)
        #expect(!state.isIdle && state.hasClaims)
        #expect(state.start(key, lane: 0, Self.job) != nil)
        #expect(!state.isIdle && !state.hasClaims)
        state.end(Self.finish(key))
        #expect(!state.isIdle)
        let ends = state.takeFinishes(upTo: 10)
        #expect(!state.isIdle, "it is being written")
        state.settle(ends)
        #expect(state.isIdle)
    }

    @Test func `a worker that stops takes, reserves and starts nothing more`() {
        var state = Self.state(slots: 5)
        #expect(state.arrive([Self.delivery(), Self.delivery()], lane: 0, at: .now) { _ in true })
        #expect(state.suspects.count == 2)
        state.stop()
        #expect(!state.arrive([Self.delivery()], lane: 0, at: .now) { _ in false }, "it goes back")
        #expect(state.takeSuspect() == nil)
        #expect(state.reserve([0]) == .stopping)
        #expect(state.start(LeaseKey(id: UUID(), token: 1), lane: 0, Self.job) == nil)
        #expect(state.takeUnclaimed().map(\.count) == [2] && state.suspects.isEmpty)
    }

    @Test func `the end of a job keeps its lease until it is written, and its loss stops nobody`() {
        var state = Self.state(slots: 5)
        let (running, ended) = (LeaseKey(id: UUID(), token: 1), LeaseKey(id: UUID(), token: 2))
        for key in [running, ended] {
            state.take([0])
            #expect(state.start(key, lane: 0, Self.job) != nil)
        }
        state.end(Self.finish(ended))
        #expect(Set(state.jobs.leases) == [running, ended])
        #expect(state.jobs.stillRunning([running, ended]).map(\.key) == [running])
        state.settle(state.takeFinishes(upTo: 10))
        #expect(state.jobs.leases == [running])
    }

    // MARK: The line

    private static let terms = RegistrationTerms(busyLooks: 3, patience: .seconds(2))

    private static func deliveries(_ count: Int) -> [Delivery] { (1...count).map { _ in delivery() } }

    /// A pool whose slots are all held by jobs, with this much delivered on top.
    private static func busy(slots: Int = 2, delivered: Int, at now: PoolState.Instant) -> PoolState {
        var state = state(slots: slots)
        for token in 1...slots {
            state.take([0])
            _ = state.start(LeaseKey(id: UUID(), token: Int64(token)), lane: 0, job)
        }
        _ = state.arrive(deliveries(delivered), lane: 0, at: now) { _ in false }
        return state
    }

    @Test func `where jobs hold the slots at three looks in a row, what is delivered is registered, all of it`() {
        let now = PoolState.Instant.now
        var state = Self.busy(delivered: 5, at: now)
        _ = state.takeWakes()
        for _ in 1...2 {
            state.lookForRegistrable(Self.terms, at: now)
            #expect(state.takeWakes().isEmpty && state.takeRegistrable(Self.terms, at: now, upTo: 100).isEmpty)
        }
        state.lookForRegistrable(Self.terms, at: now)
        #expect(state.takeWakes() == .registrations)
        #expect(state.takeRegistrable(Self.terms, at: now, upTo: 3).count == 3)
        #expect(state.takeRegistrable(Self.terms, at: now, upTo: 3).count == 2)
    }

    @Test func `where the database holds the slots, nothing is registered before its patience ends`() {
        let now = PoolState.Instant.now
        var state = Self.state(slots: 2)
        state.take([0, 0])
        _ = state.arrive(Self.deliveries(3), lane: 0, at: now) { _ in false }
        for _ in 1...9 { state.lookForRegistrable(Self.terms, at: now) }
        #expect(state.takeRegistrable(Self.terms, at: now + .seconds(1), upTo: 100).isEmpty)
        #expect(state.takeRegistrable(Self.terms, at: now + .seconds(3), upTo: 100).count == 3)
    }

    @Test func `what comes to a lane that is paused or has a line is registered at once`() {
        let now = PoolState.Instant.now
        var paused = Self.state(slots: 2)
        _ = paused.follow(lane: 0, weight: 1, isPaused: true)
        _ = paused.takeWakes()
        _ = paused.arrive(Self.deliveries(2), lane: 0, at: now) { _ in false }
        #expect(paused.takeWakes() == .registrations)
        #expect(paused.takeClaimable(upTo: 10).isEmpty)
        #expect(paused.takeRegistrable(Self.terms, at: now, upTo: 10).count == 2)

        var lined = Self.state(slots: 2)
        lined.foundLine(["default"])
        _ = lined.arrive(Self.deliveries(2), lane: 0, at: now) { _ in false }
        #expect(lined.takeClaimable(upTo: 10).isEmpty, "what waits goes first")
        #expect(lined.takeRegistrable(Self.terms, at: now, upTo: 10).count == 2)
    }

    @Test func `free slots take from the line, by the weights of the lanes, until it gives no more`() {
        var state = PoolState(lanes: [
            .init(name: "a", slots: 80, weight: 3), .init(name: "b", slots: 80), .init(name: "c", slots: 80),
        ])
        #expect(state.takeFromLine(upTo: 100).isEmpty)
        state.foundLine(["a", "b"])
        #expect(state.takeWakes().contains(.claims))
        #expect(state.takeFromLine(upTo: 40) == [0: 30, 1: 10])
        #expect(state.running == 40 && state.hasClaims)
        #expect(state.lanesToLookAt == ["c"])
        state.endedLine(lane: 0)
        #expect(state.takeFromLine(upTo: 40) == [1: 40])
        #expect(state.lanesToLookAt == ["a", "c"])
        state.stop()
        state.foundLine(["a"])
        #expect(state.takeFromLine(upTo: 40).isEmpty)
    }

    @Test func `a flood in one lane keeps no other from being registered`() {
        let now = PoolState.Instant.now
        var state = PoolState(lanes: [.init(name: "a", slots: 1), .init(name: "b", slots: 1)])
        state.foundLine(["a", "b"])
        for lane in 0...1 { _ = state.arrive(Self.deliveries(4), lane: lane, at: now) { _ in false } }
        let turns = (1...4).map { _ in state.takeRegistrable(Self.terms, at: now, upTo: 2)[0].lane }
        #expect(turns == [1, 0, 1, 0])
    }

    @Test func `while there is a line the broker hands out more than there are slots`() {
        var state = Self.state(slots: 2)
        #expect(state.lanes[0].prefetch == 2 && state.widen(lane: 0) == nil)
        state.foundLine(["default"])
        #expect(state.widen(lane: 0) == 500)
        #expect(state.widen(lane: 0) == nil, "told once")
        state.endedLine(lane: 0)
        for _ in 1..<LaneState.narrowsAfter { #expect(state.widen(lane: 0) == nil, "it may come back") }
        #expect(state.widen(lane: 0) == 2)
    }

    @Test func `ends that leave slots free and nothing delivered ask for a look at the line`() {
        let now = PoolState.Instant.now
        var state = Self.busy(slots: 1, delivered: 0 + 1, at: now)
        let key = state.jobs.leases[0]
        state.end(Self.finish(key))
        _ = state.takeWakes()
        state.settle(state.takeFinishes(upTo: 1))
        #expect(state.takeWakes() == .claims)
        #expect(state.takeClaimable(upTo: 1).count == 1)
        state.release([0])
        _ = state.takeWakes()
        state.settle([])
        #expect(state.takeWakes().contains(.line))
    }
}
