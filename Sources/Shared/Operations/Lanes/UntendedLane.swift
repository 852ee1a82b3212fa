package import FoundationEssentials
package import Postgres

/// A lane that has work and no worker.
package struct UntendedLane: Sendable {
    package let name: String
    /// Since when a role has seen that; nil: none has looked yet.
    package let since: Date?
    /// Stored orders that have not ended; counts stop at 100,000.
    package let stored: Int
    /// Messages in its queue at the last look; nil: it has no queue, or nobody looked.
    package let queued: Int?

    package static func all(in database: PostgresClient) async throws -> [UntendedLane] {
        try await database.run("SELECT name, since, stored, queued FROM moose.untended() ORDER BY name").rows.decode()
            .map(UntendedLane.init)
    }

    package var json: JSONValue {
        ["name": .string(name), "since": .time(since), "stored": .count(stored), "queued": .count(queued)]
    }
}
