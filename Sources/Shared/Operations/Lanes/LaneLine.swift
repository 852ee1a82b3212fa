package import FoundationEssentials
package import Postgres
package import Settings

/// A lane as an operator sees it.
package struct LaneLine: Sendable {
    package let name: String
    /// Nil: the weight of moose.yaml.
    package let weight: Int?
    package let pausedAt: Date?
    package let pausedBy: String?
    package let pausedWhy: String?
    package let concurrency: Int?
    package let rate: StartRate?
    package let running: Int
    /// Orders its pause or its limits hold back.
    package let held: Int
    /// Live worker processes that serve it.
    package let workers: Int
    /// What it holds, where no worker takes work from it.
    package let untended: UntendedLane?

    /// Every lane that an operator set something for, that a live worker serves, or that has work and no worker; by
    /// name.
    package static func all(in database: PostgresClient) async throws -> [LaneLine] {
        try await database.run(
            """
            SELECT name, weight, paused_at, paused_by, paused_why, concurrency, rate, rate_seconds, running, held,
                   workers, untended_since, stored, queued
            FROM moose.lane_states()
            """
        ).rows.map(LaneLine.init)
    }

    private init(_ row: PostgresRow) throws {
        name = try row.decode(0)
        weight = try row.decode(1, as: Int32?.self).map(Int.init)
        pausedAt = try row.decode(2)
        pausedBy = try row.decode(3)
        pausedWhy = try row.decode(4)
        concurrency = try row.decode(5, as: Int32?.self).map(Int.init)
        let count = try row.decode(6, as: Int32?.self)
        let seconds = try row.decode(7, as: Int32?.self)
        rate =
            if let count, let seconds { StartRate(count: Int(count), seconds: Int(seconds)) } else { nil }
        running = Int(try row.decode(8, as: Int64.self))
        held = Int(try row.decode(9, as: Int64.self))
        workers = Int(try row.decode(10, as: Int64.self))
        untended = try row.decode(12, as: Int64?.self).map { stored in
            UntendedLane(
                name: try row.decode(0), since: try row.decode(11), stored: Int(stored),
                queued: try row.decode(13, as: Int64?.self).map(Int.init))
        }
    }

    /// What `--json` prints.
    package var json: JSONValue {
        var paused = JSONValue.null
        if let pausedAt {
            paused = ["since": .time(pausedAt), "who": .text(pausedBy), "reason": .text(pausedWhy)]
        }
        return [
            "name": .string(name), "weight": .count(weight), "paused": paused,
            "concurrency": .count(concurrency), "rate": .text(rate?.description),
            "running": .count(running), "held": .count(held), "workers": .count(workers),
            "untended": untended?.json ?? .null,
        ]
    }
}
