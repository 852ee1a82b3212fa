import FoundationEssentials
import Glibc
import Synchronization

/// Tasks that hold a thread each at the same moment. Swift's cooperative pool has one thread a core, so a meeting of
/// so many shows that none of the threads sits in a system call somewhere else.
final class PoolMeeting: Sendable {
    private let arrived = Atomic<Int>(0)

    /// How many threads the pool has.
    static var everybody: Int { ProcessInfo.processInfo.activeProcessorCount }

    /// - Parameter limit: no expectation of speed: choose it so that only a thread that is held elsewhere reaches it.
    /// - Returns: how long it took until all were there; nil when they never were.
    static func hold(within limit: Duration = .seconds(20)) async -> Duration? {
        let meeting = PoolMeeting()
        let called = ContinuousClock.now
        let count = everybody
        return await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<count { group.addTask { meeting.attend(count, until: called + limit) } }
            let isComplete = await group.reduce(true) { $0 && $1 }
            return isComplete ? ContinuousClock.now - called : nil
        }
    }

    /// Keeps its thread on purpose until all are there: a suspension would lend the thread to the next one.
    private func attend(_ count: Int, until deadline: ContinuousClock.Instant) -> Bool {
        arrived.add(1, ordering: .sequentiallyConsistent)
        while arrived.load(ordering: .sequentiallyConsistent) < count {
            if ContinuousClock.now >= deadline { return false }
            sched_yield()
        }
        return true
    }
}
