import FoundationEssentials
import Postgres
import Store
import Testing

struct WorkerRegistryTests {
    private static func worker(_ pid: Int32, supervisor: WorkerSupervisor? = nil) -> WorkerRegistration {
        WorkerRegistration(
            id: UUID(), host: "host", pid: pid, version: "1", lanes: ["default"], kinds: ["work"], slots: 4,
            supervisor: supervisor, residentBytes: 1 << 40)
    }

    private static func events(_ desk: StoreDesk) async throws -> Int64 {
        try await desk.count("moose.outbox WHERE convert_from(body, 'UTF8') LIKE '%stopped without a word%'")
    }

    @Test func `a worker that falls silent is marked lost and told of once, and may come back`() async throws {
        try await StoreDesk.open { desk in
            let (silent, alive, stopped) = (Self.worker(1), Self.worker(2), Self.worker(3))
            for worker in [silent, alive, stopped] { try await desk.store.announce(worker, running: 0) }
            try await desk.store.retire(stopped.id)
            _ = try await desk.store.postgres.run(
                "UPDATE moose.workers SET last_seen = now() - interval '50 seconds' WHERE pid IN (1, 3)")
            #expect(try await desk.store.silentWorkers(after: .seconds(60)).isEmpty)
            #expect(try await desk.store.silentWorkers(after: .seconds(45)) == [silent.id])
            // Asked about all of them; the living and those who took their leave are left alone.
            let all = [silent.id, alive.id, stopped.id]
            #expect(try await desk.store.markWorkersLost(all, after: .seconds(45)) == 1)
            #expect(try await desk.store.markWorkersLost(all, after: .seconds(45)) == 0)
            #expect(try await desk.store.silentWorkers(after: .seconds(45)).isEmpty)
            #expect(try await desk.count("moose.workers WHERE lost_at IS NOT NULL AND pid = 1") == 1)
            #expect(try await Self.events(desk) == 1)
            try await desk.store.announce(silent, running: 0)
            #expect(try await desk.count("moose.workers WHERE lost_at IS NOT NULL") == 0)
        }
    }

    @Test func `the registry knows the parent of a worker and what it holds, and forgets old ones`() async throws {
        try await StoreDesk.open { desk in
            let parent = WorkerSupervisor(id: UUID(), pid: 77, process: 2)
            let (kept, old) = (Self.worker(1, supervisor: parent), Self.worker(2))
            for worker in [kept, old] { try await desk.store.announce(worker, running: 0) }
            #expect(
                try await desk.count(
                    """
                    moose.workers WHERE supervisor IS NOT NULL AND supervisor_pid = 77 AND process_number = 2
                    AND resident_bytes = 1099511627776
                    """) == 1)
            _ = try await desk.store.postgres.run(
                """
                UPDATE moose.workers SET last_seen = now() - interval '9 days', lost_at = now() - interval '8 days'
                WHERE pid = 2
                """)
            try await desk.store.pruneWorkers(keep: .seconds(7 * 86_400))
            #expect(try await desk.count("moose.workers WHERE pid = 1") == 1)
            #expect(try await desk.count("moose.workers WHERE pid = 2") == 0)
        }
    }
}
