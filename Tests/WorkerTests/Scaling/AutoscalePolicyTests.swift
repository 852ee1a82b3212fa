import Testing

@testable import Worker

struct AutoscalePolicyTests {
    private static let start = ContinuousClock.now

    private static func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private static func policy(_ bounds: ClosedRange<Int> = 1...4) -> AutoscalePolicy {
        AutoscalePolicy(AutoscaleTerms(bounds: bounds))
    }

    private static func seen(
        _ queued: Int, age: Double = 0, running: Int, ready: Int, starting: Int = 0, draining: Int = 0
    ) -> ScalingObservation {
        let lane = ScalingObservation.Lane(
            name: "default", queued: queued, oldestAge: .seconds(age), running: running, slotsPerProcess: 50)
        return ScalingObservation(lanes: [lane], ready: ready, starting: starting, draining: draining)
    }

    private static func size(_ decision: AutoscalePolicy.Decision) -> Int? {
        if case .resize(let size, _) = decision { return size }
        return nil
    }

    @Test func `a burst doubles the processes up to the bound, and says why with figures`() {
        var policy = Self.policy()
        let first = policy.decide(Self.seen(4800, age: 3.2, running: 50, ready: 1), wanted: 1, at: Self.at(0))
        #expect(
            first == .resize(to: 2, why: "lane default: 4800 queued, oldest 3.2 s, slots 50/50 busy"))
        // Nothing is known of the new one while it starts, and nothing so soon after a change.
        let starting = Self.seen(4700, age: 4, running: 50, ready: 1, starting: 1)
        #expect(policy.decide(starting, wanted: 2, at: Self.at(5)) == .stay)
        let ready = Self.seen(4600, age: 4, running: 100, ready: 2)
        #expect(policy.decide(ready, wanted: 2, at: Self.at(2)) == .stay)
        #expect(Self.size(policy.decide(ready, wanted: 2, at: Self.at(3))) == 4)
        let full = Self.seen(4600, age: 9, running: 200, ready: 4)
        #expect(policy.decide(full, wanted: 4, at: Self.at(60)) == .stay)
    }

    @Test func `no more processes start than the backlog has work for`() {
        var policy = Self.policy(1...16)
        let decision = policy.decide(Self.seen(30, age: 2, running: 200, ready: 4), wanted: 4, at: Self.at(0))
        #expect(Self.size(decision) == 5)
    }

    @Test func `a backlog without busy slots is no reason to grow`() {
        var policy = Self.policy()
        // A paused lane, or a handler's kind that nobody knows.
        #expect(policy.decide(Self.seen(5000, age: 60, running: 3, ready: 1), wanted: 1, at: Self.at(0)) == .stay)
        // A young and short one will be gone before a process has started.
        #expect(policy.decide(Self.seen(10, age: 0.5, running: 50, ready: 1), wanted: 1, at: Self.at(1)) == .stay)
        // A short one that grows old, and a young one of more than all slots.
        #expect(Self.size(policy.decide(Self.seen(11, age: 1, running: 40, ready: 1), wanted: 1, at: Self.at(2))) == 2)
        var other = Self.policy()
        #expect(Self.size(other.decide(Self.seen(50, running: 50, ready: 1), wanted: 1, at: Self.at(2))) == 2)
    }

    @Test func `it shrinks by one after each calm time, never below the bound`() {
        var policy = Self.policy()
        let calm = Self.seen(0, running: 10, ready: 4)
        var sizes: [Int] = []
        var wanted = 4
        for second in 0...200 {
            let ready = Self.seen(0, running: 10, ready: wanted)
            if let size = Self.size(policy.decide(ready, wanted: wanted, at: Self.at(Double(second)))) {
                #expect(second >= (sizes.count + 1) * 30)
                wanted = size
                sizes.append(size)
            }
        }
        #expect(sizes == [3, 2, 1])
        #expect(calm.lanes.count == 1)
    }

    @Test func `work in between starts the calm time over, and so do missing figures and a drain`() {
        let calm = Self.seen(0, running: 10, ready: 2)
        let interruptions: [(inout AutoscalePolicy) -> Void] = [
            { _ = $0.decide(Self.seen(0, running: 60, ready: 2), wanted: 2, at: Self.at(20)) },
            { _ = $0.decide(Self.seen(0, running: 10, ready: 2, draining: 1), wanted: 2, at: Self.at(20)) },
            { $0.figuresMissing() },
        ]
        for interrupt in interruptions {
            var policy = Self.policy()
            #expect(policy.decide(calm, wanted: 2, at: Self.at(0)) == .stay)
            interrupt(&policy)
            #expect(policy.decide(calm, wanted: 2, at: Self.at(25)) == .stay)
            #expect(policy.decide(calm, wanted: 2, at: Self.at(40)) == .stay)
            #expect(Self.size(policy.decide(calm, wanted: 2, at: Self.at(55))) == 1)
        }
    }

    @Test(arguments: [0, 10, 30, 35, 39, 41, 45, 60, 79, 81, 100, 150])
    func `under a steady load it settles and never flaps`(load: Int) {
        var policy = Self.policy()
        var wanted = 4
        var changes: [Int] = []
        for second in 0...600 {
            let running = min(load, wanted * 50)
            let seen = Self.seen(load - running, age: load > running ? 5 : 0, running: running, ready: wanted)
            if let size = Self.size(policy.decide(seen, wanted: wanted, at: Self.at(Double(second)))) {
                wanted = size
                changes.append(size)
            }
        }
        // Downwards only: what it gave up it never took back.
        #expect(changes == changes.sorted(by: >))
        #expect(load <= wanted * 50)
    }

    @Test(arguments: [(base: 45, swing: 8), (base: 90, swing: 15), (base: 140, swing: 12)])
    func `a load that swings slowly around the slots of some processes keeps their number`(base: Int, swing: Int) {
        var policy = Self.policy()
        var wanted = 4
        var grown = 0
        var queued = 0
        for second in 0..<1200 {
            // Up and down again in two minutes.
            let phase = second % 120
            let load = base + (phase < 60 ? phase - 30 : 90 - phase) * swing / 30 + queued
            let running = min(load, wanted * 50)
            queued = load - running
            let seen = Self.seen(queued, age: queued > 0 ? 2 : 0, running: running, ready: wanted)
            guard let size = Self.size(policy.decide(seen, wanted: wanted, at: Self.at(Double(second)))) else {
                continue
            }
            grown += size > wanted ? 1 : 0
            wanted = size
        }
        #expect(grown == 0)
    }

    @Test func `random loads never break the bounds, the cooldowns or the step`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var policy = Self.policy(2...6)
            var wanted = 2
            var lastChange = -1000.0
            for second in 0..<300 {
                let time = Double(second)
                let running = Int.random(in: 0...wanted * 50, using: &generator)
                let seen = Self.seen(
                    Int.random(in: 0...400, using: &generator), age: Double.random(in: 0...3, using: &generator),
                    running: Bool.random(using: &generator) ? running : wanted * 50, ready: wanted)
                guard let size = Self.size(policy.decide(seen, wanted: wanted, at: Self.at(time))) else { continue }
                #expect((2...6).contains(size) && size != wanted && size <= wanted * 2 && size >= wanted - 1)
                #expect(time - lastChange >= (size > wanted ? 3 : 30))
                lastChange = time
                wanted = size
            }
        }
    }

    @Test func `the busiest lane decides`() {
        var policy = Self.policy(1...9)
        let lanes: [ScalingObservation.Lane] = [
            .init(name: "default", queued: 60, oldestAge: .seconds(2), running: 100, slotsPerProcess: 50),
            .init(name: "llm", queued: 8, oldestAge: .seconds(9), running: 8, slotsPerProcess: 4),
        ]
        let decision = policy.decide(ScalingObservation(lanes: lanes, ready: 2), wanted: 2, at: Self.at(0))
        #expect(
            decision == .resize(to: 4, why: "lane default: 60 queued, oldest 2.0 s, slots 100/100 busy")
                || decision == .resize(to: 4, why: "lane llm: 8 queued, oldest 9.0 s, slots 8/8 busy"))
    }

    @Test func `a number outside the bounds is brought inside`() {
        var policy = Self.policy(2...4)
        #expect(Self.size(policy.decide(Self.seen(0, running: 0, ready: 1), wanted: 1, at: Self.at(0))) == 2)
    }
}
