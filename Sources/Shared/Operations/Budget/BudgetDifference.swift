package import FoundationEssentials
package import Postgres

/// A bucket that doesn't say what its holds and ledger entries add up to.
package struct BudgetDifference: Sendable {
    package let bucket: Int
    package let scope: String?
    package let name: String?
    package let period: String?
    package let windowStart: Date
    package let held: Int64
    package let heldExpected: Int64
    package let posted: Int64
    package let postedExpected: Int64

    /// All of them, as of one instant.
    ///
    /// - Parameter current: only those of the days and months that run now, which takes no longer with age.
    package static func all(current: Bool = false, in database: PostgresClient) async throws -> [BudgetDifference] {
        try await database.run(
            """
            SELECT bucket_id, scope, name, period, window_start, held_u, held_expected_u, posted_u, posted_expected_u
            FROM moose.reconcile(\(current)) ORDER BY bucket_id
            """
        ).rows.map(BudgetDifference.init)
    }

    private init(_ row: PostgresRow) throws {
        (bucket, scope, name, period, windowStart, held, heldExpected, posted, postedExpected) = try row.decode()
    }

    /// `org, day`; the policy of a bucket may have been deleted by hand.
    package var title: String {
        guard let scope, let name, let period else { return "(no policy)" }
        return "\(BudgetScope.title(scope, name)), \(period)"
    }

    package var json: JSONValue {
        [
            "bucket_id": .count(bucket), "scope": .text(scope), "name": .text(name), "period": .text(period),
            "window_start": .time(windowStart), "held_usd": .usd(held), "held_expected_usd": .usd(heldExpected),
            "posted_usd": .usd(posted), "posted_expected_usd": .usd(postedExpected),
        ]
    }
}
