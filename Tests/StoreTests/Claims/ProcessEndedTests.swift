import FoundationEssentials
import Postgres
import Store
import Testing

/// A parent that saw its process end has no need to look twice.
struct ProcessEndedTests {
    private static let parent = WorkerSupervisor(id: UUID(), pid: 77, process: 2)

    private static func register(_ desk: StoreDesk, id: UUID? = nil, pid: Int32 = 5) async throws {
        try await desk.store.announce(
            WorkerRegistration(
                id: id ?? desk.worker, host: "host", pid: pid, version: "1", lanes: ["default"], kinds: ["work"],
                slots: 4, supervisor: parent), running: 0)
    }

    @Test func `what its process held goes on at once, as work that lost its worker`() async throws {
        try await StoreDesk.open { desk in
            try await Self.register(desk)
            let items = try [StoreDesk.order(usd: "1"), StoreDesk.order()]
            for item in items { _ = try await desk.start(item) }
            #expect(try await desk.store.processEnded(5, supervisor: Self.parent.id, maxAttempts: 5) == 2)
            #expect(
                try await desk.count(
                    """
                    moose.work_orders WHERE state = 'retrying' AND worker_losses = 1 AND attempt = 1 AND run_at <= now()
                    AND failure_class = 'worker_lost'
                    """) == 2)
            #expect(try await desk.count("moose.budget_holds WHERE state = 'presumed_spent' AND estimate_u > 0") == 1)
            #expect(try await desk.count("moose.workers WHERE lost_at IS NOT NULL") == 1)
            let told = "moose.outbox WHERE convert_from(body, 'UTF8') LIKE '%stopped without a word%'"
            #expect(try await desk.count(told) == 1)
            // A second look finds nothing, and tells nothing again.
            #expect(try await desk.store.processEnded(5, supervisor: Self.parent.id, maxAttempts: 5) == 0)
            #expect(try await desk.count(told) == 1)
            for item in items { _ = try await desk.start(StoreDesk.registered(item.id)) }
        }
    }

    @Test func `an order that somebody holds just then is passed by with its lease, so that nobody waits in a circle`()
        async throws
    {
        try await StoreDesk.open { desk in
            try await Self.register(desk)
            let items = try [StoreDesk.order(), StoreDesk.order()]
            for item in items { _ = try await desk.start(item) }
            try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM moose.work_orders WHERE id = \(items[0].id) FOR UPDATE")
                #expect(try await desk.store.processEnded(5, supervisor: Self.parent.id, maxAttempts: 5) == 1)
                #expect(
                    try await desk.count(
                        "moose.leases WHERE id = '\(items[0].id)' AND expires_at > now() + interval '30 seconds'") == 1)
            }
            #expect(try await desk.state(items[0].id) == "in_progress")
            #expect(try await desk.state(items[1].id) == "retrying")
        }
    }

    @Test func `a third loss is poison here as well`() async throws {
        try await StoreDesk.open { desk in
            try await Self.register(desk)
            let item = try StoreDesk.order()
            _ = try await desk.start(item)
            for loss in 1...3 {
                #expect(try await desk.store.processEnded(5, supervisor: Self.parent.id, maxAttempts: 9) == 1)
                guard loss < 3 else { break }
                try await desk.run("UPDATE moose.work_orders SET run_at = now()")
                _ = try await desk.start(StoreDesk.registered(item.id))
            }
            #expect(try await desk.state(item.id) == "failed")
        }
    }

    @Test func `nobody else's work is touched`() async throws {
        try await StoreDesk.open { desk in
            try await Self.register(desk)
            try await Self.register(desk, id: UUID(), pid: 6)
            let item = try StoreDesk.order()
            _ = try await desk.start(item)
            #expect(try await desk.store.processEnded(6, supervisor: Self.parent.id, maxAttempts: 5) == 0)
            #expect(try await desk.store.processEnded(5, supervisor: UUID(), maxAttempts: 5) == 0)
            #expect(try await desk.state(item.id) == "in_progress")
            #expect(try await desk.count("moose.workers WHERE lost_at IS NOT NULL AND pid = 5") == 0)
            // One that took its leave has settled everything itself.
            try await desk.store.retire(desk.worker)
            #expect(try await desk.store.processEnded(5, supervisor: Self.parent.id, maxAttempts: 5) == 0)
            #expect(try await desk.state(item.id) == "in_progress")
        }
    }

    @Test func `thousands of orders are taken back in pieces`() async throws {
        try await StoreDesk.open { desk in
            try await Self.register(desk)
            let items = try (0..<1200).map { _ in try StoreDesk.order() }
            _ = try await desk.claim(items)
            var counts: [Int] = []
            while true {
                counts.append(try await desk.store.processEnded(5, supervisor: Self.parent.id, maxAttempts: 5))
                if counts.last == 0 { break }
            }
            #expect(counts == [1000, 200, 0])
        }
    }
}
