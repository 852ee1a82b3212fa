/// What a server, a database and a role are like where no session's setting can change it.
package struct ServerFacts: Sendable, Equatable {
    /// Such as 150018.
    package var version = 150_000
    /// Settings by name, as the session has them: those of ``settings``.
    package var settings: [String: String] = [:]
    /// Sessions that anybody but a superuser may have, and how many there are.
    package var connections = Share(limit: 100, used: 0)
    /// The same for this role and this database; nil where nobody limited them.
    package var roleConnections: Share?
    package var databaseConnections: Share?
    /// Since when the oldest transaction runs that this role may know of, but for its own, and in which session.
    package var oldestTransaction: Holder?
    /// The oldest transaction that was prepared and neither committed nor rolled back.
    package var oldestPrepared: Holder?
    /// Replication slots that nobody reads from, and that keep what was deleted or written.
    package var abandonedSlots: [String] = []
    /// Commits wait for a synchronous standby that isn't there, or that has kept one waiting for ten seconds.
    package var waitsForStandby = false
    /// How full the queue of notifications is: 0 to 1.
    package var notificationQueue = 0.0
    /// Everybody may create in the schema `public`.
    package var publicIsOpen = false
    /// Sessions whose locks others wait for, now.
    package var blockers: [Holder] = []

    /// A number that has a limit.
    package struct Share: Sendable, Equatable {
        package let limit: Int
        package let used: Int

        package init(limit: Int, used: Int) {
            self.limit = limit
            self.used = used
        }

        package var free: Int { max(0, limit - used) }
    }

    /// Somebody who keeps something.
    package struct Holder: Sendable, Hashable {
        /// Such as `process 4711 (role app, psql)`.
        package let name: String
        /// Since when; nil where this role may not know.
        package let age: Duration?

        package init(name: String, age: Duration?) {
            self.name = name
            self.age = age
        }
    }

    /// The settings that are looked at, with the value that is expected.
    package static let expected = [
        "fsync": "on", "full_page_writes": "on", "track_counts": "on", "autovacuum": "on",
        "zero_damaged_pages": "off", "ignore_checksum_failure": "off", "temp_file_limit": "-1",
    ]

    package init() {}
}
