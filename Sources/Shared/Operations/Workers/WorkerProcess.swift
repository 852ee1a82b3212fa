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
        try await database.count(
            """
            SELECT count(*) FROM moose.workers
            WHERE \(lane) = ANY (lanes) AND stopped_at IS NULL AND last_seen > now() - interval '60 seconds'
            """)
    }

    private init(_ row: PostgresRow) throws {
        (
            id, host, pid, version, lanes, kinds, slots, running, state, startedAt, lastSeen, drainWho, drainReason,
            resized
        ) = try row.decode()
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
