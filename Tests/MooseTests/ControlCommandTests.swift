import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Testing

@testable import Moose

/// What the commands for control of work and workers find in the database, and refuse on the command line.
struct ControlCommandTests {
    private static func addOrders(_ desk: BudgetDesk) async throws {
        try await desk.database.runSimple(
            """
            INSERT INTO moose.work_orders (id, state, kind, lane, title, agent, run_at, body, digest)
            SELECT gen_random_uuid(), s, k, l, 't', 'ann', now(), '{}', '\\x00'
            FROM unnest(ARRAY['pending', 'blocked', 'failed', 'in_progress']) AS s, unnest(ARRAY['draft', 'lint']) AS k,
                 unnest(ARRAY['llm', 'default']) AS l;
            INSERT INTO moose.leases (id, token, worker, claim, expires_at)
            SELECT id, 0, gen_random_uuid(), gen_random_uuid(), now() + interval '1 hour'
            FROM moose.work_orders WHERE state = 'in_progress'
            """)
    }

    @Test func `a filter counts and cancels what has not ended, and nothing else`() async throws {
        try await BudgetDesk.open { desk in
            try await Self.addOrders(desk)
            let drafts = WorkOrderFilter(kind: "draft", lane: "llm")
            #expect(try await drafts.count(in: desk.database) == 3)
            #expect(
                try await drafts.cancel(who: "ann", reason: "wrong", in: desk.database)
                    == ["cancelled": 2, "cancel_requested": 1])
            #expect(try await drafts.count(in: desk.database) == 0)
            #expect(try await WorkOrderFilter(agent: "ann").count(in: desk.database) == 9)
            #expect(try await WorkOrderFilter(state: "blocked").count(in: desk.database) == 3)
            #expect(try await desk.count("moose.work_orders WHERE state = 'cancelled'") == 2)
            #expect(
                try await desk.count("moose.audit_log WHERE action = 'work order cancel'") == 3)
            #expect(try await desk.changes().isEmpty, "it is no change of a budget")
        }
    }

    @Test func `a list of workers says who works, drains, is lost or stopped, and only the living are told`()
        async throws
    {
        try await BudgetDesk.open { desk in
            try await desk.database.runSimple(
                """
                INSERT INTO moose.workers (id, host, pid, version, lanes, kinds, slots, last_seen, stopped_at)
                SELECT gen_random_uuid(), h, 1, '1', ARRAY['llm'], ARRAY['draft'], 4,
                       now() - CASE h WHEN 'lost' THEN interval '61 seconds' ELSE interval '0' END,
                       CASE h WHEN 'gone' THEN now() END
                FROM unnest(ARRAY['a', 'b', 'lost', 'gone']) AS h
                """)
            let order = WorkerOrder(who: "ann", reason: "update")
            let one = try await WorkerChoiceOptions.living(.host("a"), in: desk.database)
            #expect(try await order.drain(one, in: desk.database) == 1)
            #expect(try await order.drain(one, in: desk.database) == 0, "told before")
            let both = try await WorkerChoiceOptions.living(.all, in: desk.database)
            #expect(both.count == 2)
            #expect(try await order.resize(both, lane: "default", slots: 8, in: desk.database).isEmpty)
            #expect(try await order.resize(both, lane: "llm", slots: 8, in: desk.database).count == 2)
            let workers = try await WorkerProcess.list(all: true, in: desk.database)
            let states = Dictionary(workers.map { ($0.host, $0.state) }) { first, _ in first }
            #expect(states == ["a": "draining", "b": "working", "lost": "lost", "gone": "stopped"])
            #expect(workers.first { $0.host == "a" }?.drainReason == "update")
            #expect(workers.first { $0.host == "b" }?.resized == ["llm:8"])
            #expect(try await WorkerProcess.list(all: false, in: desk.database).count == 3)
            for wrong in [WorkerChoice.ids([UUID()]), .host("lost"), .host("gone")] {
                await #expect(throws: CommandFailure.self) {
                    _ = try await WorkerChoiceOptions.living(wrong, in: desk.database)
                }
            }
        }
    }

    @Test func `an order nobody has taken yet is not said to have been refused`() {
        let failure = WorkOrdersShow.unknown(UUID())
        #expect(failure.what.hasPrefix("the database has no work order "))
        #expect(failure.why?.contains("waits in its lane's queue") == true && failure.why?.contains("pruned") == true)
        #expect(failure.next?.contains("`moose lanes list`") == true)
        #expect(failure.next?.contains("`moose dead-letters list`") == true)
    }

    @Test(arguments: [
        ["cancel", "--reason", "x"],
        ["cancel", "0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e", "--lane", "llm", "--reason", "x"],
        ["cancel", "--lane", "llm"], ["retry"],
    ])
    func `neither ids nor filters, both, or no reason, is wrong use`(arguments: [String]) {
        #expect(throws: (any Error).self) { try WorkOrdersCommand.parseAsRoot(arguments) }
    }

    @Test(arguments: [
        ["drain", "--all"], ["drain", "--all", "--host", "a", "--reason", "x"], ["drain", "--reason", "x"],
        ["resize", "--all", "--lane", "llm"], ["resize", "--all", "--lane", "llm:0"], ["resize", "--lane", "llm:1"],
    ])
    func `workers and slots must be said in one way`(arguments: [String]) {
        #expect(throws: (any Error).self) { try WorkersCommand.parseAsRoot(arguments) }
    }
}
