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
        return try await postgres.run(
            """
            SELECT id, token FROM moose.renew_leases(
                \(worker), \(leases.map(\.id)), \(leases.map(\.token)),
                \(lease.milliseconds) * interval '1 millisecond')
            """
        ).rows.decode().map(LeaseKey.init)
    }

    /// Tells of orders that are in progress for longer than these times, once for each claim and level.
    /// - Returns: how many were new.
    package func reportStuck(warnedAfter: Duration, escalatedAfter: Duration) async throws(PostgresError) -> Int {
        try await postgres.count(
            """
            SELECT moose.report_stuck(\(warnedAfter.milliseconds) * interval '1 millisecond',
                                      \(escalatedAfter.milliseconds) * interval '1 millisecond')
            """)
    }

    /// Leases that stand expired at this moment. See ``LeaseWatch`` for which of them to rescue.
    package func expiredLeases() async throws(PostgresError) -> [ExpiredLease] {
        try await postgres.run("SELECT id, token, expiry_us FROM moose.expired_leases()").rows
            .decode((UUID, Int64, Int64).self).map { id, token, expiry in
                ExpiredLease(key: LeaseKey(id: id, token: token), expiry: expiry)
            }
    }

    /// Takes orders back from workers that are gone; each is checked again. Returns how many were rescued.
    package func rescue(_ leases: [LeaseKey], maxAttempts: Int) async throws(PostgresError) -> Int {
        guard !leases.isEmpty else { return 0 }
        return try await postgres.count(
            "SELECT moose.rescue_leases(\(leases.map(\.id)), \(leases.map(\.token)), \(Int32(clamping: maxAttempts)))")
    }

    /// Makes orders that wait for money pending, as many as there is money for. Returns how many.
    package func wakeForMoney() async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.wake_for_money()")
    }
}
