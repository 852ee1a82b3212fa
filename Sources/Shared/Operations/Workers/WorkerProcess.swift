package import FoundationEssentials
package import Postgres

/// A worker process as the registry knows it.
package struct WorkerProcess: Sendable {
    package let id: UUID
    package let host: String
    package let pid: Int
    package let version: String
    package let lanes: [String]
    package let kinds: [String]
    package let slots: Int
    package let running: Int
    /// `working`, `draining`, `lost` (a minute without a word) or `stopped`.
    package let state: String
    package let startedAt: Date
    package let lastSeen: Date
    package let drainWho: String?
    package let drainReason: String?
    /// What lanes were resized to, as `llm:8`.
    package let resized: [String]

    /// Those that have not stopped, the oldest first.
    /// - Parameter all: those that stopped, too.
    package static func list(all: Bool, in database: PostgresClient) async throws -> [WorkerProcess] {
        try await database.run(
            """
            SELECT w.id, w.host, w.pid, w.version, w.lanes, w.kinds, w.slots, w.running,
                   CASE WHEN w.stopped_at IS NOT NULL THEN 'stopped'
                        WHEN w.last_seen < now() - interval '60 seconds' THEN 'lost'
                        WHEN w.draining OR d.worker IS NOT NULL THEN 'draining' ELSE 'working' END,
                   w.started_at, w.last_seen, d.who, d.reason,
                   ARRAY(SELECT c.lane || ':' || c.slots FROM moose.worker_commands c
                         WHERE c.worker = w.id AND c.command = 'resize' ORDER BY 1)
            FROM moose.workers w
            LEFT JOIN moose.worker_commands d ON d.worker = w.id AND d.command = 'drain'
            WHERE \(all) OR w.stopped_at IS NULL
            ORDER BY w.started_at, w.id LIMIT 10000
            """
        ).rows.map(WorkerProcess.init)
    }

    /// How many work this lane and were heard of in the last minute.
    package static func countLiving(of lane: String, in database: PostgresClient) async throws -> Int {
        try await database.run(
            """
            SELECT count(*) FROM moose.workers
            WHERE \(lane) = ANY (lanes) AND stopped_at IS NULL AND last_seen > now() - interval '60 seconds'
            """
        ).first?.decode(0, as: Int.self) ?? 0
    }

    private init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        host = try row.decode(1)
        pid = Int(try row.decode(2, as: Int32.self))
        version = try row.decode(3)
        lanes = try row.decode(4)
        kinds = try row.decode(5)
        slots = Int(try row.decode(6, as: Int32.self))
        running = Int(try row.decode(7, as: Int32.self))
        state = try row.decode(8)
        startedAt = try row.decode(9)
        lastSeen = try row.decode(10)
        drainWho = try row.decode(11)
        drainReason = try row.decode(12)
        resized = try row.decode(13)
    }

    package var json: JSONValue {
        [
            "id": .id(id), "state": .string(state), "host": .string(host), "pid": .count(pid),
            "version": .string(version), "lanes": .array(lanes.map(JSONValue.string)),
            "kinds": .array(kinds.map(JSONValue.string)), "slots": .count(slots), "running": .count(running),
            "started_at": .time(startedAt), "last_seen": .time(lastSeen), "drain_who": .text(drainWho),
            "drain_reason": .text(drainReason), "resized": .array(resized.map(JSONValue.string)),
        ]
    }
}
