package import Postgres

/// Retention of one of the ledger's tables: a range of its blocks at a time, each a transaction of its own, so that
/// nothing waits for it.
package struct LedgerPruning: Sendable {
    package enum Rows: String, Sendable {
        case holds
        case ledger
    }

    /// How many blocks of 8 KiB one transaction looks at.
    package static let blocksAtATime = 2_000

    package let rows: Rows
    /// Only what is older; the database keeps 40 days in any case.
    package let days: Int
    package let isDryRun: Bool

    package init(rows: Rows, days: Int, isDryRun: Bool) {
        self.rows = rows
        self.days = days
        self.isDryRun = isDryRun
    }

    /// Goes through the table as long as it is now; what is appended meanwhile is young.
    ///
    /// - Parameter progress: hears how many blocks are done, of how many.
    /// - Returns: how many rows were deleted, or would be.
    package func run(
        in database: PostgresClient, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> Int {
        let total: Int =
            switch rows {
            case .holds: try await database.count("SELECT moose.blocks_of('moose.budget_holds')")
            case .ledger: try await database.count("SELECT moose.blocks_of('moose.cost_tracking')")
            }
        var deleted = 0
        for block in stride(from: 0, to: total, by: Self.blocksAtATime) {
            try Task.checkCancellation()
            deleted += try await database.count(step(from: Int64(block)))
            progress(min(total, block + Self.blocksAtATime), total)
        }
        return deleted
    }

    /// Keeps in the audit log that somebody deleted so many.
    package func record(holds: Int, entries: Int, by who: String, in database: PostgresClient) async throws {
        _ = try await database.run(
            """
            INSERT INTO moose.audit_log (who, action, subject, after)
            VALUES (\(who), 'ledger prune', 'ledger',
                    jsonb_build_object('holds', \(holds)::bigint, 'ledger_entries', \(entries)::bigint))
            """)
    }

    private func step(from block: Int64) -> Query {
        let (blocks, days) = (Int32(Self.blocksAtATime), Int32(days))
        return switch rows {
        case .holds:
            """
            SELECT deleted FROM moose.prune_holds(
                now() - make_interval(days => \(days)), \(block), \(blocks), \(isDryRun))
            """
        case .ledger:
            """
            SELECT deleted FROM moose.prune_ledger(
                now() - make_interval(days => \(days)), \(block), \(blocks), \(isDryRun))
            """
        }
    }
}
