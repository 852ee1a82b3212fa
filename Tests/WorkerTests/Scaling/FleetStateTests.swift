import TestSupport
import Testing

@testable import Worker

struct FleetStateTests {
    private static let start = ContinuousClock.now

    private static func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private static func report(running: Int = 0, resident: Int64 = 0) -> ProcessReport {
        ProcessReport(
            port: 1, ready: true, residentBytes: resident,
            lanes: ["default": .init(running: running, slots: 8, waiting: 0)])
    }

    /// A group whose processes are all ready at second 1.
    private static func ready(_ count: Int, _ configure: (inout FleetTerms) -> Void = { _ in }) -> FleetState {
        var terms = FleetTerms(processes: count)
        configure(&terms)
        var state = FleetState(terms)
        #expect(state.begin(at: at(0)).starts == Array(1...count))
        for number in 1...count { _ = state.reported(number, report(), at: at(1)) }
        return state
    }

    /// The same with a memory limit of 500 bytes, also for the young.
    private static func limited(_ count: Int) -> FleetState {
        ready(count) { terms in
            terms.maxResidentBytes = 500
            terms.replaceableAfter = .zero
        }
    }

    @Test func `a crashed process is started again, each time after twice the wait`() {
        var state = Self.ready(2)
        var now = 1.5
        for wait in [0.5, 1, 2, 4] {
            #expect(state.ended(1, .killed(signal: 9), at: Self.at(now)).starts.isEmpty)
            #expect(state.tick(at: Self.at(now + wait - 0.01)).starts.isEmpty)
            #expect(state.tick(at: Self.at(now + wait)).starts == [1])
            now += wait
        }
        #expect(state.restarts == 4)
        // One that has worked for a while starts over.
        _ = state.reported(1, Self.report(), at: Self.at(now))
        _ = state.ended(1, .exited(1), at: Self.at(now + 10))
        #expect(state.tick(at: Self.at(now + 10.5)).starts == [1])
    }

    @Test func `a crash loop is reported once, and the others go on`() {
        var state = Self.ready(2)
        var reports = 0
        var now = 2.0
        for _ in 0..<9 {
            let actions = state.ended(1, .exited(134), at: Self.at(now))
            reports += actions.count { if case .reportCrashLoop(1, .exited(134)) = $0 { true } else { false } }
            #expect(actions.finish == nil)
            now += 31
            #expect(state.tick(at: Self.at(now)).starts == [1])
        }
        #expect(reports == 1)
    }

    @Test func `when no process can be started the group gives up with their status`() {
        var terms = FleetTerms(processes: 2)
        terms.loopAfter = 3
        var state = FleetState(terms)
        _ = state.begin(at: Self.at(0))
        var finished: [Int32] = []
        for round in 0..<3 {
            let now = Double(round * 60)
            _ = state.tick(at: Self.at(now))
            for number in 1...2 {
                finished += [state.ended(number, .exited(3), at: Self.at(now + 1)).finish].compactMap(\.self)
            }
        }
        #expect(finished == [3])
        #expect(state.tick(at: Self.at(1000)).isEmpty)
    }

    @Test func `a wrong configuration is not tried again and again`() {
        var state = FleetState(FleetTerms(processes: 1))
        _ = state.begin(at: Self.at(0))
        #expect(state.ended(1, .exited(2), at: Self.at(1)).finish == 2)
    }

    @Test func `a stop drains all and ends with status 0 when the last is gone, 1 when one was lost`() {
        var state = Self.ready(3)
        _ = state.ended(2, .exited(1), at: Self.at(2))
        let actions = state.stop(at: Self.at(2.1))
        #expect(actions.contains(.drain(1)) && actions.contains(.drain(3)) && !actions.contains(.drain(2)))
        #expect(state.tick(at: Self.at(30)).starts.isEmpty)
        #expect(state.ended(1, .exited(0), at: Self.at(31)).finish == nil)
        var lossy = state
        #expect(state.ended(3, .exited(0), at: Self.at(32)).finish == 0)
        #expect(lossy.ended(3, .killed(signal: 11), at: Self.at(32)).finish == 1)
    }

    @Test func `what doesn't drain in its time is killed, but a shrunk process has all the time it needs`() {
        var state = Self.ready(2)
        #expect(state.resize(to: 1, at: Self.at(2)).contains(.retire(2)))
        #expect(state.tick(at: Self.at(100_000)).isEmpty)
        _ = state.stop(at: Self.at(100_000))
        #expect(!state.tick(at: Self.at(100_060)).contains(.kill(2)))
        let late = state.tick(at: Self.at(100_061))
        #expect(late.contains(.kill(1)) && late.contains(.kill(2)))
        #expect(state.tick(at: Self.at(100_062)).isEmpty)
    }

    @Test func `shrinking parts with the idlest, then the youngest, and first with what doesn't run`() {
        var state = Self.ready(4)
        _ = state.reported(1, Self.report(running: 3), at: Self.at(2))
        _ = state.reported(2, Self.report(running: 1), at: Self.at(2))
        _ = state.reported(3, Self.report(running: 1), at: Self.at(2))
        _ = state.ended(4, .exited(1), at: Self.at(3))
        let first = state.resize(to: 3, at: Self.at(3))
        #expect(first.retired.isEmpty && state.members.map(\.number) == [1, 2, 3])
        #expect(state.resize(to: 2, at: Self.at(4)).retired == [3])
        #expect(state.resize(to: 1, at: Self.at(4)).retired == [2])

        var restarted = Self.ready(2)
        _ = restarted.ended(1, .exited(1), at: Self.at(2))
        _ = restarted.tick(at: Self.at(3))
        _ = restarted.reported(1, Self.report(), at: Self.at(4))
        #expect(restarted.resize(to: 1, at: Self.at(5)).retired == [1])
    }

    @Test func `a process over its memory limit is drained once its replacement is ready, one at a time`() {
        var state = Self.limited(2)
        #expect(state.reported(1, Self.report(running: 2, resident: 501), at: Self.at(2)).starts == [3])
        #expect(state.reported(2, Self.report(resident: 501), at: Self.at(3)).starts.isEmpty)
        #expect(state.tick(at: Self.at(3)).retired.isEmpty)
        let replaced = state.reported(3, Self.report(), at: Self.at(4))
        #expect(replaced.retired == [1])
        // The second one's turn comes now.
        #expect(replaced.starts == [4])
        #expect(state.ended(1, .exited(0), at: Self.at(5)).starts.isEmpty)
        #expect(state.reported(4, Self.report(), at: Self.at(6)).retired == [2])
        _ = state.ended(2, .exited(0), at: Self.at(7))
        #expect(state.ready.map(\.number).sorted() == [3, 4])
        #expect(state.tick(at: Self.at(100)).isEmpty)
    }

    @Test func `a limit below what every process needs doesn't replace without end`() {
        var state = Self.ready(1) { $0.maxResidentBytes = 500 }
        var starts = 0
        for second in 2..<300 {
            let now = Self.at(Double(second))
            for member in state.members {
                let actions =
                    member.isDraining
                    ? state.ended(member.number, .exited(0), at: now)
                    : state.reported(member.number, Self.report(resident: 501), at: now)
                starts += actions.starts.count
            }
        }
        #expect((1...5).contains(starts))
    }

    @Test func `a replacement that doesn't get ready holds up no drain for ever`() {
        var state = Self.limited(1)
        _ = state.reported(1, Self.report(resident: 501), at: Self.at(2))
        #expect(state.tick(at: Self.at(32)).retired.isEmpty)
        #expect(state.tick(at: Self.at(32.1)).retired == [1])
    }

    @Test func `a process that dies before its replacement is ready gives its place away`() {
        var state = Self.limited(1)
        #expect(state.reported(1, Self.report(resident: 501), at: Self.at(2)).starts == [2])
        _ = state.ended(1, .killed(signal: 9), at: Self.at(3))
        #expect(state.members.map(\.number) == [2])
        #expect(state.reported(2, Self.report(), at: Self.at(4)).retired.isEmpty)
        #expect(state.tick(at: Self.at(100)).isEmpty)
    }

    @Test func `a process that somebody drained is not replaced, unless the number follows the work`() {
        var fixed = Self.ready(2)
        #expect(fixed.ended(1, .exited(0), at: Self.at(2)).starts.isEmpty)
        #expect(fixed.ended(2, .exited(0), at: Self.at(3)).finish == 0)
        var scaled = Self.ready(2) { $0.replacesDrained = true }
        #expect(scaled.ended(1, .exited(0), at: Self.at(2)).starts == [1])
    }

    @Test func `random histories end with as many processes as wanted`() {
        for seed in 0..<300 {
            var generator = SplitMix64(seed: UInt64(seed))
            var state = FleetState(FleetTerms(processes: 2))
            var alive: Set<Int> = []
            var told: Set<Int> = []
            func apply(_ actions: [FleetAction]) {
                for action in actions {
                    switch action {
                    case .start(let number): #expect(alive.insert(number).inserted)
                    case .retire(let number): told.insert(number)
                    default: break
                    }
                }
            }
            apply(state.begin(at: Self.at(0)))
            var now = 0.0
            for _ in 0..<200 {
                now += Double.random(in: 0...20, using: &generator)
                let number = alive.randomElement(using: &generator)
                switch Int.random(in: 0..<6, using: &generator) {
                case 0: apply(state.resize(to: Int.random(in: 1...5, using: &generator), at: Self.at(now)))
                case 1: if let number { apply(state.reported(number, Self.report(), at: Self.at(now))) }
                case 2:
                    if let number, state.members.contains(where: { $0.phase == .ready && $0.number != number }) {
                        alive.remove(number)
                        apply(
                            state.ended(number, told.remove(number) == nil ? .exited(1) : .exited(0), at: Self.at(now)))
                    }
                default: apply(state.tick(at: Self.at(now)))
                }
            }
            // Those told to end do so, the rest get ready.
            for number in told where alive.remove(number) != nil {
                apply(state.ended(number, .exited(0), at: Self.at(now)))
            }
            apply(state.tick(at: Self.at(now + 31)))
            for number in alive { apply(state.reported(number, Self.report(), at: Self.at(now + 32))) }
            #expect(state.ready.count == state.wanted && alive.count == state.wanted, "seed \(seed)")
        }
    }
}

extension [FleetAction] {
    fileprivate var starts: [Int] { compactMap { if case .start(let number) = $0 { number } else { nil } } }
    fileprivate var retired: [Int] { compactMap { if case .retire(let number) = $0 { number } else { nil } } }
    fileprivate var finish: Int32? { compactMap { if case .finish(let status) = $0 { status } else { nil } }.first }
}
