import TestSupport
import Testing

@testable import LedgerClient

struct CallQueueTests {
    @Test func `everything that was added comes out once, in order, and no batch holds a name twice`() {
        var random = SplitMix64.seeded()
        for _ in 1...300 {
            var queue = CallQueue(capacity: Int.random(in: 1...8, using: &random), batchLimit: 5)
            let names = (1...4).map { _ in LedgerDatabase.name() }
            var inside: [LedgerCall] = []
            for _ in 1...60 {
                switch Int.random(in: 0...3, using: &random) {
                case 0, 1:
                    let name = names.randomElement(using: &random) ?? names[0]
                    inside.append(queue.add(.move(name, .cancel), deadline: .now))
                case 2:
                    let taken = queue.take()
                    #expect(taken.map(\.ticket) == inside.prefix(taken.count).map(\.ticket))
                    #expect(Set(taken.map(\.item.name)).count == taken.count)
                    #expect(!taken.isEmpty || inside.isEmpty)
                    inside.removeFirst(taken.count)
                default:
                    guard let leaver = inside.randomElement(using: &random) else { continue }
                    leaver.cancel()
                    queue.remove(leaver)
                    inside.removeAll { call in call === leaver }
                }
                #expect(queue.queued.count == min(queue.capacity, inside.count))
                #expect(queue.queued.count + queue.waiting.count == inside.count)
            }
        }
    }

    @Test func `those whose time is over are taken out and make room`() {
        var queue = CallQueue(capacity: 2, batchLimit: 5)
        let now = ContinuousClock.now
        let calls = (0..<4).map { index in
            queue.add(.move(LedgerDatabase.name(), .cancel), deadline: index == 1 ? now : now + .seconds(9))
        }
        #expect(queue.removeExpired(now: now).map(\.ticket) == [calls[1].ticket])
        #expect(queue.queued.map(\.ticket) == [calls[0].ticket, calls[2].ticket])
        #expect(queue.waiting.map(\.ticket) == [calls[3].ticket])
        #expect(queue.earliestDeadline == now + .seconds(9))
    }

    @Test func `what is given back goes before those who wait`() {
        var queue = CallQueue(capacity: 2, batchLimit: 5)
        let name = LedgerDatabase.name()
        let waiter = queue.add(.move(name, .dispatch), deadline: .now)
        queue.addOrphan(name, deadline: .now)
        #expect(queue.take().map(\.isOrphan) == [true])
        #expect(queue.take().map(\.ticket) == [waiter.ticket])
    }
}
