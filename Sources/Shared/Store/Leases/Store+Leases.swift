package import FoundationEssentials
package import Postgres

/// An order under one fencing token: what a lease is about.
package struct LeaseKey: Hashable, Sendable {
    package let id: UUID
    package let token: Int64

    package init(id: UUID, token: Int64) {
        self.id = id
        self.token = token
    }
}

extension Store {
    /// Renews what a worker really runs, in one statement.
    /// - Returns: what it has lost: stop these jobs.
    package func renew(_ leases: [LeaseKey], worker: UUID, lease: Duration) async throws(PostgresError) -> [LeaseKey] {
        guard !leases.isEmpty else { return [] }
        let lost = try await postgres.run(
            """
            SELECT id, token FROM moose.renew_leases(
                \(worker), \(leases.map(\.id)), \(leases.map(\.token)),
                \(lease.milliseconds) * interval '1 millisecond')
            """)
        return try lost.rows.map { row throws(PostgresError) in try Self.key(row) }
    }

    /// Tells of orders that are in progress for longer than these times, once for each claim and level.
    /// - Returns: how many were new.
    package func reportStuck(warnedAfter: Duration, escalatedAfter: Duration) async throws(PostgresError) -> Int {
        let result = try await postgres.run(
            """
            SELECT moose.report_stuck(\(warnedAfter.milliseconds) * interval '1 millisecond',
                                      \(escalatedAfter.milliseconds) * interval '1 millisecond')
            """)
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }

    /// Leases that stand expired at this moment. See ``LeaseWatch`` for which of them to rescue.
    package func expiredLeases() async throws(PostgresError) -> [ExpiredLease] {
        let expired = try await postgres.run("SELECT id, token, expiry_us FROM moose.expired_leases()")
        return try expired.rows.map { row throws(PostgresError) in
            ExpiredLease(key: try Self.key(row), expiry: try row.decode(2, as: Int64.self))
        }
    }

    /// Takes orders back from workers that are gone; each is checked again. Returns how many were rescued.
    package func rescue(_ leases: [LeaseKey], maxAttempts: Int) async throws(PostgresError) -> Int {
        guard !leases.isEmpty else { return 0 }
        let result = try await postgres.run(
            "SELECT moose.rescue_leases(\(leases.map(\.id)), \(leases.map(\.token)), \(Int32(clamping: maxAttempts)))")
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }

    /// Makes orders that wait for money pending and rings them, as many as there is money for. Returns how many.
    package func wakeForMoney() async throws(PostgresError) -> Int {
        let result = try await postgres.run("SELECT moose.wake_for_money()")
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }

    /// Due orders parked by workers without their kind, on these lanes and of these kinds, with the lane of each.
    package func parkedUnknown(
        kinds: [String], lanes: [String], limit: Int
    ) async throws(PostgresError) -> [(id: UUID, lane: String)] {
        let parked = try await postgres.run(
            "SELECT id, lane FROM moose.parked_unknown(\(kinds), \(lanes), \(Int32(clamping: limit)))")
        return try parked.rows.map { row throws(PostgresError) in
            (try row.decode(0, as: UUID.self), try row.decode(1, as: String.self))
        }
    }

    private static func key(_ row: PostgresRow) throws(PostgresError) -> LeaseKey {
        LeaseKey(id: try row.decode(0, as: UUID.self), token: try row.decode(1, as: Int64.self))
    }
}
