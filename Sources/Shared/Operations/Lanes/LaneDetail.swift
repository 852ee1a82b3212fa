package import FoundationEssentials
package import Postgres
internal import Settings

/// Everything about one lane at a glance.
package struct LaneDetail: Sendable {
    /// What waits in one state.
    package struct Waiting: Sendable {
        package let state: String
        /// Stops at ``LaneDetail/mostCounted``.
        package let count: Int
        /// When the oldest of them became due; nil: none is, or they wait for something else than their time.
        package let oldestDue: Date?
    }

    /// Where the counts of what waits and of what is held back stop: more says nothing new.
    package static let mostCounted = 100_000

    package let name: String
    package let settings: LaneSettings
    package let running: Int
    /// Orders its pause or its limits hold back.
    package let held: Int
    /// States in which nothing waits are left out.
    package let waiting: [Waiting]
    /// Those that serve it and have not stopped, also the lost, the oldest first.
    package let workers: [WorkerProcess]
    /// What it holds, where no worker takes work from it.
    package let untended: UntendedLane?

    /// Since when the oldest order waits that could run by its time.
    package var oldestDue: Date? { waiting.compactMap(\.oldestDue).min() }

    /// The lane of this name.
    ///
    /// - Throws: ``OperationError/Kind/notFound`` for a lane that nobody set anything for, no worker serves, no
    ///   configuration had, and that has no work.
    package static func find(_ name: String, in database: PostgresClient) async throws -> LaneDetail {
        let known = try await Self.names(in: database)
        guard known.contains(name) else {
            let guess = Spelling.suggestion(for: name, among: known).map { "Did you mean `\($0)`? " } ?? ""
            throw OperationError(
                .notFound, "there is no lane “\(name)”",
                why: "Nobody set anything for it, no worker serves it, and it has no work",
                next: guess + "`moose lanes list` shows them")
        }
        let facts = try await database.run(
            """
            SELECT \(unescaped: LaneSettings.columns),
                   (SELECT count(*) FROM moose.leases x JOIN moose.work_orders w ON w.id = x.id WHERE w.lane = n.name),
                   (SELECT count(*) FROM (SELECT 1 FROM moose.gate_waits y WHERE y.gate = 'lane ' || n.name
                                          LIMIT \(Int64(mostCounted))) h)
            FROM (SELECT \(name)::text AS name) n LEFT JOIN moose.lanes l ON l.name = n.name
            """)
        guard let row = facts.first else { throw OperationError(.failed, "the database gave no answer") }
        let workers = try await WorkerProcess.list(all: false, in: database).filter { $0.lanes.contains(name) }
        return try LaneDetail(
            name, row, waiting: try await Self.waiting(in: name, database), workers: workers,
            untended: try await UntendedLane.all(in: database).first { $0.name == name })
    }

    private init(
        _ name: String, _ row: PostgresRow, waiting: [Waiting], workers: [WorkerProcess], untended: UntendedLane?
    ) throws {
        self.name = name
        settings = try LaneSettings(row, from: 0)
        running = try row.decode(7)
        held = try row.decode(8)
        self.waiting = waiting
        self.workers = workers
        self.untended = untended
    }

    /// Of every lane that anything is known of.
    private static func names(in database: PostgresClient) async throws -> [String] {
        try await database.run(
            """
            SELECT name FROM moose.lanes UNION SELECT name FROM moose.known_lanes UNION
            SELECT name FROM moose.untended_lanes UNION SELECT * FROM moose.lanes_of_orders() UNION
            SELECT l FROM moose.workers k, unnest(k.lanes) AS l WHERE k.stopped_at IS NULL UNION
            SELECT w.lane FROM moose.leases x JOIN moose.work_orders w ON w.id = x.id
            ORDER BY 1
            """
        ).rows.decode(String.self)
    }

    private static func waiting(in lane: String, _ database: PostgresClient) async throws -> [Waiting] {
        try await database.run(
            """
            SELECT s.state, c.count,
                   CASE WHEN s.state IN ('scheduled', 'pending', 'retrying') THEN c.oldest END
            FROM unnest(ARRAY['scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked'])
                WITH ORDINALITY AS s (state, nth)
            CROSS JOIN LATERAL (
                SELECT count(*) AS count, min(x.run_at) FILTER (WHERE x.run_at <= now()) AS oldest
                FROM (SELECT w.run_at FROM moose.waiting w WHERE w.state = s.state AND w.lane COLLATE "C" = \(lane)
                      LIMIT \(Int64(mostCounted))) x) c
            WHERE c.count > 0 ORDER BY s.nth
            """
        ).rows.decode().map(Waiting.init)
    }

    /// What `--json` prints: the fields of ``LaneLine``, and more.
    package var json: JSONValue {
        let facts: [String: JSONValue] = [
            "name": .string(name), "running": .count(running), "held": .count(held),
            "waiting": .object(Dictionary(waiting.map { ($0.state, JSONValue.count($0.count)) }) { first, _ in first }),
            "oldest_due": .time(oldestDue),
            "workers": .count(workers.count { $0.isAlive }), "worker_processes": .array(workers.map(\.json)),
            "untended": untended?.json ?? .null,
        ]
        return .object(facts.merging(settings.json) { fact, _ in fact })
    }
}

extension WorkerProcess {
    /// Whether it was heard of in the last minute.
    package var isAlive: Bool { state == "working" || state == "draining" }
}
