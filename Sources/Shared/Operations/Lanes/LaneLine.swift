package import Postgres

/// A lane as an operator sees it.
package struct LaneLine: Sendable {
    package let name: String
    package let settings: LaneSettings
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
            SELECT name, \(unescaped: LaneSettings.columns), running, held, workers, untended_since, stored, queued
            FROM moose.lane_states()
            """
        ).rows.map(LaneLine.init)
    }

    private init(_ row: PostgresRow) throws {
        name = try row.decode(0)
        settings = try LaneSettings(row, from: 1)
        running = try row.decode(8)
        held = try row.decode(9)
        workers = try row.decode(10)
        untended = try row.decode(12, as: Int?.self).map { stored in
            UntendedLane(
                name: try row.decode(0), since: try row.decode(11), stored: stored, queued: try row.decode(13))
        }
    }

    /// What `--json` prints.
    package var json: JSONValue {
        let facts: [String: JSONValue] = [
            "name": .string(name), "running": .count(running), "held": .count(held), "workers": .count(workers),
            "untended": untended?.json ?? .null,
        ]
        return .object(facts.merging(settings.json) { fact, _ in fact })
    }
}
