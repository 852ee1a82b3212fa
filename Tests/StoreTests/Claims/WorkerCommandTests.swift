import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What an operator tells workers, and which orders a filter chooses.
struct WorkerCommandTests {
    private func worker(_ lane: String, _ desk: StoreDesk) async throws -> UUID {
        let worker = WorkerRegistration(
            id: UUID(), host: "host", pid: 1, version: "1", lanes: [lane], kinds: ["work"], slots: 4, residentBytes: nil
        )
        try await desk.store.announce(worker, running: 0)
        return worker.id
    }

    private func told(_ query: Query, _ desk: StoreDesk) async throws -> [UUID] {
        try await desk.value(query, as: [UUID].self)
    }

    @Test func `a worker is told to drain once, and one that stopped not at all`() async throws {
        try await StoreDesk.open { desk in
            let (alive, stopped) = (try await worker("default", desk), try await worker("default", desk))
            try await desk.store.retire(stopped)
            let both = [alive, stopped]
            #expect(try await told("SELECT moose.drain_workers(\(both), 'ann', 'update')", desk) == [alive])
            #expect(try await told("SELECT moose.drain_workers(\(both), 'bob', 'me too')", desk).isEmpty)
            #expect(try await desk.store.commands(worker: alive).drain?.who == "ann")
            #expect(try await desk.store.commands(worker: stopped).drain == nil)
            #expect(try await desk.count("moose.audit_log WHERE action = 'worker drain'") == 1)
        }
    }

    @Test func `of two resizes the last counts, and only where the lane is worked`() async throws {
        try await StoreDesk.open { desk in
            let (worker, other) = (try await worker("default", desk), try await worker("other", desk))
            for slots in [8, 3] as [Int32] {
                let told = try await told(
                    "SELECT moose.resize_workers(\([worker, other]), 'default', \(slots), 'ann', 'x')", desk)
                #expect(told == [worker])
            }
            #expect(try await desk.store.commands(worker: worker).slots == ["default": 3])
            #expect(try await desk.store.commands(worker: other).slots.isEmpty)
            #expect(
                try await desk.text(
                    "SELECT string_agg(concat(before ->> 'slots', '>', after ->> 'slots'), ' ' ORDER BY id) FROM moose.audit_log"
                ) == ">8 8>3")
        }
    }

    @Test func `a filter chooses what has not ended, of its lane, and not what is being cancelled`() async throws {
        try await StoreDesk.open { desk in
            let (done, running, stopping) = (try StoreDesk.order(), try StoreDesk.order(), try StoreDesk.order())
            let elsewhere = try StoreDesk.order([:], lane: "other")
            try await desk.end(done.id, try await desk.start(done))
            for item in [running, stopping, elsewhere] { _ = try await desk.start(item) }
            _ = try await desk.store.postgres.run("SELECT moose.cancel_work_orders(\([stopping.id]), 'ann', 'x')")
            let chosen = "ARRAY(SELECT moose.cancellable(NULL, NULL, 'default', NULL, NULL))"
            #expect(try await told("SELECT \(unescaped: chosen)", desk) == [running.id])
        }
    }
}
