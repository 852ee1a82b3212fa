import FoundationEssentials
import Postgres
import Store
import Testing

extension StoreDesk {
    /// Does what is left to do for dependencies, until nothing is due.
    func settle(limit: Int = 500, patience: Duration = Store.dependencyPatience) async throws {
        for _ in 1...10_000 {
            let tasks = try await store.dependencyTasks()
            if tasks.isEmpty { return }
            for task in tasks { try await store.settleDependencies(task, limit: limit, patience: patience) }
        }
        Issue.record("dependencies never come to rest")
    }

    /// Looks once, as ``settle(limit:patience:)`` does again and again.
    func lookOnce() async throws {
        for task in DependencyTask.allCases { try await store.settleDependencies(task) }
    }

    /// So many orders of these ids, blocked behind this one and looked at, as claims would leave them.
    func block(_ count: Int, on dependency: UUID) async throws {
        try await run(
            """
            CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id FROM generate_series(1, \(count));
            INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
            SELECT id, 'blocked', 'work', 'default', 'many', now(), '', 'x' FROM made;
            INSERT INTO moose.work_order_dependencies SELECT id, '\(dependency)' FROM made;
            DROP TABLE made
            """)
        try await settle()
    }

    /// The error events about dependencies whose message is like this.
    func dependencyEvents(like pattern: String) async throws -> Int64 {
        try await count(
            """
            moose.outbox WHERE type = 'moose.error-event.v1'
            AND convert_from(body, 'UTF8')::json ->> 'operation' = 'dependency'
            AND convert_from(body, 'UTF8')::json ->> 'message' ILIKE '\(pattern)'
            """)
    }

    /// Sessions that wait for a lock.
    func lockWaiters() async throws -> Int64 {
        try await count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    }

    /// A budget of which nothing is used, with the first bucket of all: who holds its row stops claims and ends of the
    /// project `slow` after their orders are written and before that is seen.
    func openSlowProject() async throws {
        try await run(
            """
            INSERT INTO moose.budget_policies (scope, name, period, kill_u) VALUES ('project', 'slow', 'total', 1000000);
            INSERT INTO moose.budget_buckets (policy_id, window_start, window_end)
            SELECT id, '-infinity', 'infinity' FROM moose.budget_policies WHERE name = 'slow';
            -- The org's windows are open already: opening them would wait, too.
            SELECT moose.buckets_of_paths('{NULL}', '{NULL}', '{NULL}', '{NULL}')
            """)
    }
}
