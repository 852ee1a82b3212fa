package import FoundationEssentials
package import Postgres

/// A worker process as the registry shows it.
package struct WorkerRegistration: Sendable {
    package var id: UUID
    package var host: String
    package var pid: Int32
    package var version: String
    package var lanes: [String]
    package var kinds: [String]
    package var slots: Int

    package init(
        id: UUID, host: String, pid: Int32, version: String, lanes: [String], kinds: [String], slots: Int
    ) {
        self.id = id
        self.host = host
        self.pid = pid
        self.version = version
        self.lanes = lanes
        self.kinds = kinds
        self.slots = slots
    }
}

extension Store {
    /// Says that this worker lives and what it runs; the first call registers it.
    package func announce(_ worker: WorkerRegistration, running: Int) async throws(PostgresError) {
        _ = try await postgres.run(
            """
            INSERT INTO moose.workers (id, host, pid, version, lanes, kinds, slots, running)
            VALUES (\(worker.id), \(worker.host), \(worker.pid), \(worker.version), \(worker.lanes), \(worker.kinds),
                    \(Int32(clamping: worker.slots)), \(Int32(clamping: running)))
            ON CONFLICT (id) DO UPDATE SET last_seen = now(), running = excluded.running, slots = excluded.slots
            """)
    }

    /// Says that this worker stopped in good order.
    package func retire(_ worker: UUID) async throws(PostgresError) {
        _ = try await postgres.run("UPDATE moose.workers SET stopped_at = now(), running = 0 WHERE id = \(worker)")
    }

    /// The number of the newest migration applied, 0 where there is no schema.
    package func schemaVersion() async throws(PostgresError) -> Int {
        let known = try await postgres.run("SELECT to_regclass('moose.schema_migrations') IS NOT NULL")
        guard try known.first?.decode(0, as: Bool.self) == true else { return 0 }
        let newest = try await postgres.run("SELECT coalesce(max(id), 0)::bigint FROM moose.schema_migrations")
        return Int(try newest.first?.decode(0, as: Int64.self) ?? 0)
    }
}
