import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

struct TransitionTests {
    private static let fromWaiting: Set<String> = [
        "in_progress", "scheduled", "pending", "awaiting_budget", "blocked", "failed", "cancelled",
    ]
    /// Written down a second time on purpose: the table in the database is what is judged.
    private static let legal: [String: Set<String>] = [
        "scheduled": fromWaiting, "pending": fromWaiting, "retrying": fromWaiting, "awaiting_budget": fromWaiting,
        "in_progress": [
            "completed", "retrying", "failed", "awaiting_budget", "pending", "scheduled", "needs_review", "cancelled",
        ],
        "blocked": ["pending", "failed", "cancelled"],
        "needs_review": ["completed", "pending", "failed", "cancelled"],
        "failed": ["pending", "needs_review", "blocked", "cancelled"],
        "completed": [], "cancelled": [],
    ]
    private static let states = WorkOrderState.allCases.map(\.rawValue)

    private static func insert(_ id: UUID, _ state: String) -> Query {
        """
        INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
        VALUES (\(id), \(state), 'work', 'default', 't', now(), '', '')
        """
    }

    @Test func `the database refuses every illegal move of a work order and allows every legal one`() async throws {
        try await StoreDesk.open { desk in
            let postgres = desk.store.postgres
            for from in Self.states {
                for to in Self.states where to != from {
                    let id = UUID()
                    // No way leads into some states by one insert, so the rows begin with the triggers off.
                    try await postgres.runSimple("ALTER TABLE moose.work_orders DISABLE TRIGGER USER")
                    _ = try await postgres.run(Self.insert(id, from))
                    try await postgres.runSimple("ALTER TABLE moose.work_orders ENABLE TRIGGER USER")
                    if to == "in_progress" { try await desk.lease(id) }
                    let isLegal = Self.legal[from]?.contains(to) == true
                    do throws(PostgresError) {
                        _ = try await postgres.run(
                            "UPDATE moose.work_orders SET state = \(to) WHERE id = \(id)")
                        #expect(isLegal, "\(from) -> \(to) was allowed")
                    } catch {
                        #expect(!isLegal, "\(from) -> \(to) was refused: \(error)")
                        #expect(error.sqlState == "MS001" && "\(error)".contains("invalid state transition"))
                    }
                    #expect(try await desk.state(id) == (isLegal ? to : from))
                }
            }
            // They began out of the blue, and so aren't in the live sets.
            try await desk.run("TRUNCATE moose.work_orders, moose.waiting, moose.leases, moose.wrong CASCADE")
        }
    }

    @Test func `a work order cannot begin as completed, retrying or in review`() async throws {
        try await StoreDesk.open { desk in
            for state in Self.states {
                let isLegal = !["completed", "retrying", "needs_review"].contains(state)
                let id = UUID()
                if state == "in_progress" { try await desk.lease(id) }
                do throws(PostgresError) {
                    _ = try await desk.store.postgres.run(Self.insert(id, state))
                    #expect(isLegal, "\(state) was allowed")
                } catch {
                    #expect(!isLegal && error.sqlState == "MS001", "\(state): \(error)")
                }
            }
        }
    }
}
