import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

/// Many who claim and end at once: limits hold at every moment, and nothing waits for ever.
struct GateRaceTests {
    @Test func `sixteen claimers never pass a key, a kind or a lane, and everything runs without the sweeper`()
        async throws
    {
        try await StoreDesk.open(connections: 17) { desk in
            _ = try await desk.store.postgres.run(
                "SELECT moose.set_lane_limits('default', NULL, 9, NULL, NULL, 'ann', 'few')")
            let kinds = StoreDesk.limited(KindLimits(concurrency: 7, keyConcurrency: 2))
            let total = 400
            let book = RaceBook(try (0..<total).map { try StoreDesk.keyed("key \($0 % 6)") })
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...16 {
                    group.addTask {
                        var random = SystemRandomNumberGenerator()
                        while book.done.withLock({ $0 }) < total, !Task.isCancelled {
                            var items = book.fresh.withLock { rest -> [ClaimItem] in
                                let taken = Array(rest.prefix(Int.random(in: 0...8, using: &random)))
                                rest.removeFirst(taken.count)
                                return taken
                            }
                            items += try await desk.callDue(upTo: 5).map(StoreDesk.registered)
                            let verdicts = try await desk.claimPatiently(items, kinds: kinds)
                            let granted = zip(items, verdicts).compactMap { item, verdict in
                                verdict.token.map { (id: item.id, token: $0) }
                            }
                            #expect(try await desk.overfull() == 0)
                            try await desk.endPatiently(granted)
                            book.done.withLock { $0 += granted.count }
                            if granted.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
                        }
                    }
                }
                // The worker's second hand; the sweep stays off.
                group.addTask {
                    while book.done.withLock({ $0 }) < total, !Task.isCancelled {
                        _ = try await desk.store.wakeGates()
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
                group.addTask {
                    try await eventually("all have run", timeout: .seconds(120)) { book.done.withLock { $0 } == total }
                }
                do {
                    while try await group.next() != nil {}
                } catch {
                    group.cancelAll()
                    throw error
                }
            }
            #expect(
                try await desk.count("moose.work_orders WHERE state = 'completed' AND attempt = 1") == Int64(total))
            #expect(try await desk.count("moose.gate_waits") == 0)
            #expect(try await desk.count("moose.gates WHERE running <> 0") == 0)
        }
    }

    @Test func `sixteen claimers start no more than the bucket holds`() async throws {
        try await StoreDesk.open(connections: 16) { desk in
            let kinds = StoreDesk.limited(KindLimits(rate: .init(count: 50, seconds: 3600)))
            let started = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...16 {
                    let items = try (1...20).map { _ in try StoreDesk.order() }
                    group.addTask {
                        try await desk.claimPatiently(items, kinds: kinds).filter { $0.token != nil }.count
                    }
                }
                return try await group.reduce(0, +)
            }
            // One more comes every 72 s; the test is no matter of speed.
            #expect((50...60).contains(started))
            #expect(try await desk.count("moose.gate_waits WHERE reason = 'rate'") == 320 - Int64(started))
        }
    }
}

/// What the claimers of a race share.
private final class RaceBook: Sendable {
    let fresh: Mutex<[ClaimItem]>
    let done = Mutex(0)

    init(_ orders: [ClaimItem]) { fresh = Mutex(orders) }
}

extension StoreDesk {
    /// How many keys, kinds and lanes of the race run more than they may at this moment.
    fileprivate func overfull() async throws -> Int64 {
        try await count(
            """
            (SELECT 1 FROM moose.work_orders WHERE state = 'in_progress' GROUP BY concurrency_key HAVING count(*) > 2
             UNION ALL SELECT 1 FROM moose.work_orders WHERE state = 'in_progress' HAVING count(*) > 7) AS over
            """)
    }
}
