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
        return try await keys(
            """
            SELECT id, token FROM moose.renew_leases(
                \(worker), \(leases.map(\.id)), \(leases.map(\.token)),
                \(lease.milliseconds) * interval '1 millisecond')
            """)
    }

    /// Leases that stand expired at this moment. See ``LeaseWatch`` for which of them to rescue.
    package func expiredLeases() async throws(PostgresError) -> [LeaseKey] {
        try await keys("SELECT id, token FROM moose.expired_leases()")
    }

    /// Takes orders back from workers that are gone; each is checked again. Returns how many were rescued.
    package func rescue(_ leases: [LeaseKey], maxAttempts: Int) async throws(PostgresError) -> Int {
        guard !leases.isEmpty else { return 0 }
        let result = try await postgres.run(
            "SELECT moose.rescue_leases(\(leases.map(\.id)), \(leases.map(\.token)), \(Int32(clamping: maxAttempts)))")
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }

    /// The safety net: rings what could go on and has no doorbell. Returns how many it rang.
    package func sweep(idleLanes: [String]) async throws(PostgresError) -> Int {
        let result = try await postgres.run("SELECT moose.sweep(\(idleLanes))")
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }

    /// Makes orders that wait for money pending and rings them, as many as there is money for. Returns how many.
    package func wakeForMoney() async throws(PostgresError) -> Int {
        let result = try await postgres.run("SELECT moose.wake_for_money()")
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }

    private func keys(_ query: Query) async throws(PostgresError) -> [LeaseKey] {
        var keys: [LeaseKey] = []
        for row in try await postgres.run(query).rows {
            keys.append(LeaseKey(id: try row.decode(0, as: UUID.self), token: try row.decode(1, as: Int64.self)))
        }
        return keys
    }
}
