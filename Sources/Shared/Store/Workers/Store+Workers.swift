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
    /// How many attempts it makes of each of its kinds where an order doesn't say; in their order, or empty.
    package var kindAttempts: [Int]
    package var slots: Int
    /// It takes nothing new and lets its jobs end.
    package var isDraining: Bool
    /// The parent that keeps it; nil without one.
    package var supervisor: WorkerSupervisor?
    /// Memory held in RAM; nil where nobody knows.
    package var residentBytes: Int64?

    package init(
        id: UUID, host: String, pid: Int32, version: String, lanes: [String], kinds: [String],
        kindAttempts: [Int] = [], slots: Int,
        isDraining: Bool = false, supervisor: WorkerSupervisor? = nil, residentBytes: Int64? = nil
    ) {
        self.id = id
        self.host = host
        self.pid = pid
        self.version = version
        self.lanes = lanes
        self.kinds = kinds
        self.kindAttempts = kindAttempts
        self.slots = slots
        self.isDraining = isDraining
        self.supervisor = supervisor
        self.residentBytes = residentBytes
    }
}

extension Store {
    /// Says that this worker lives and what it runs; the first call registers it.
    package func announce(_ worker: WorkerRegistration, running: Int) async throws(PostgresError) {
        _ = try await postgres.run(
            """
            INSERT INTO moose.workers (id, host, pid, version, lanes, kinds, kind_attempts, slots, running, draining,
                                       supervisor, supervisor_pid, process_number, resident_bytes)
            VALUES (\(worker.id), \(worker.host), \(worker.pid), \(worker.version), \(worker.lanes), \(worker.kinds),
                    \(worker.kindAttempts.map { Int32(clamping: $0) }), \(Int32(clamping: worker.slots)), \(Int32(clamping: running)), \(worker.isDraining), \(worker.supervisor?.id),
                    \(worker.supervisor?.pid), \(worker.supervisor?.process), \(worker.residentBytes))
            ON CONFLICT (id) DO UPDATE SET last_seen = now(), lost_at = NULL, running = excluded.running,
                draining = excluded.draining, slots = excluded.slots, resident_bytes = excluded.resident_bytes
            """)
    }

    /// Says that this worker stopped in good order.
    package func retire(_ worker: UUID) async throws(PostgresError) {
        _ = try await postgres.run("UPDATE moose.workers SET stopped_at = now(), running = 0 WHERE id = \(worker)")
    }

    /// The number of the newest migration applied, 0 where there is no schema.
    package func schemaVersion() async throws(PostgresError) -> Int {
        guard try await postgres.value("SELECT to_regclass('moose.schema_migrations') IS NOT NULL") else { return 0 }
        return try await postgres.count("SELECT coalesce(max(id), 0)::bigint FROM moose.schema_migrations")
    }
}

extension Store {
    /// Workers that neither said that they live for so long nor took their leave.
    package func silentWorkers(after silence: Duration) async throws(PostgresError) -> [UUID] {
        try await postgres.run(
            "SELECT moose.silent_workers(\(silence.milliseconds) * interval '1 millisecond')"
        ).rows.decode(UUID.self)
    }

    /// Marks workers lost that still are silent, and reports each once. Returns how many.
    package func markWorkersLost(_ ids: [UUID], after silence: Duration) async throws(PostgresError) -> Int {
        guard !ids.isEmpty else { return 0 }
        return try await postgres.count(
            "SELECT moose.mark_workers_lost(\(ids), \(silence.milliseconds) * interval '1 millisecond')")
    }

    /// Takes orders back from a process that its parent saw end, at most 1000 at once, and marks it lost. Returns how
    /// many: call it again until there are none.
    package func processEnded(
        _ process: Int32, supervisor: UUID, maxAttempts: Int
    ) async throws(PostgresError) -> Int {
        try await postgres.count(
            "SELECT moose.process_ended(\(supervisor), \(process), \(Int32(clamping: maxAttempts)))")
    }

    /// Forgets workers that stopped or were lost so long ago.
    package func pruneWorkers(keep: Duration) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.prune_workers(\(keep.milliseconds) * interval '1 millisecond')")
    }
}
