import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// A person's act that meets a worker's in the middle. The worker's transaction has its order locked and waits for the
/// budget, whose row the test holds.
struct CancelRaceTests {
    @Test func `a cancel that meets a claim waits for it, and then asks the worker to stop`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            try await desk.end(item.id, try await desk.start(item), .interrupted)
            let (verdicts, cancel) = try await meet(desk) {
                try await desk.claim([StoreDesk.registered(item.id)])
            } _: {
                try await desk.text(
                    "SELECT before || ' ' || after FROM moose.cancel_work_orders(ARRAY['\(item.id)'::uuid], 'ann', 'x')"
                )
            }
            #expect(cancel == "in_progress cancel_requested")
            let token = try #require(verdicts[0].token)
            #expect(try await desk.end(item.id, token, .interrupted))
            #expect(try await desk.state(item.id) == "cancelled")
            #expect(try await desk.count("moose.budget_buckets WHERE held_u <> 0") == 0)
        }
    }

    @Test func `a retry that meets the end of what it waits for goes on after it`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order(usd: "1")
            let second = try StoreDesk.order(dependsOn: [first.id])
            let token = try await desk.start(first)
            #expect(try await desk.claim([second]) == [.later])
            try await desk.run("UPDATE moose.work_orders SET state = 'failed' WHERE id = '\(second.id)'")
            let ending = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT FROM moose.budget_buckets FOR UPDATE")
                let ending = Task { try await desk.end(first.id, token) }
                try await waitForLocks(1, desk)
                #expect(
                    try await desk.text(
                        "SELECT after FROM moose.retry_work_orders(ARRAY['\(second.id)'::uuid], 'ann', 'x')")
                        == "blocked")
                try await desk.lookOnce()
                return ending
            }
            #expect(try await ending.value)
            try await eventually("it is looked at again") {
                try await desk.settle()
                return try await desk.state(second.id) == "pending"
            }
        }
    }

    @Test func `of two who try an order again at once one does, and the other sees that it waits already`() async throws
    {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            let failure = AttemptFailure(.testFail, "red", retry: .never)
            try await desk.end(item.id, try await desk.start(item), .failed(failure))
            func retry(_ who: String) -> Query {
                "SELECT before || ' ' || after FROM moose.retry_work_orders(\([item.id]), \(who), \("mended"))"
            }
            let second = try await desk.store.postgres.withTransaction { transaction in
                #expect(try await transaction.run(retry("ann")).value(as: String.self) == "failed pending")
                let second = Task { try await desk.value(retry("bob"), as: String.self) }
                try await waitForLocks(1, desk)
                return second
            }
            #expect(try await second.value == "pending pending")
            #expect(try await desk.text("SELECT string_agg(who, ' ') FROM moose.audit_log") == "ann")
        }
    }

    /// Lets the worker get as far as the budget and the person as far as the order; then both go on.
    private func meet<Work: Sendable, Answer: Sendable>(
        _ desk: StoreDesk, _ worker: @escaping @Sendable () async throws -> Work,
        _ person: @escaping @Sendable () async throws -> Answer
    ) async throws -> (worker: Work, person: Answer) {
        let tasks = try await desk.store.postgres.withTransaction { transaction in
            _ = try await transaction.run("SELECT FROM moose.budget_buckets FOR UPDATE")
            let working = Task { try await worker() }
            try await waitForLocks(1, desk)
            let acting = Task { try await person() }
            try await waitForLocks(2, desk)
            return (working, acting)
        }
        return (try await tasks.0.value, try await tasks.1.value)
    }

    private func waitForLocks(_ count: Int64, _ desk: StoreDesk) async throws {
        try await eventually("\(count) wait for a lock") {
            try await desk.count(
                "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") == count
        }
    }
}
