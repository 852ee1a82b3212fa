package import Postgres

/// The tables of Moose, in the binary: numbered without a gap, applied once each, never changed after a release.
package enum Migrations {
    /// In the order they are applied.
    package static let all: [Migration] = [
        migration(1, "work orders", PackageResources._001_work_orders_sql),
        migration(2, "live sets", PackageResources._002_live_sets_sql),
        migration(3, "workers", PackageResources._003_workers_sql),
        migration(4, "outbox", PackageResources._004_outbox_sql),
        migration(5, "budget", PackageResources._005_budget_sql),
        migration(6, "escalations", PackageResources._006_escalations_sql),
        migration(7, "flow", PackageResources._007_flow_sql),
        migration(8, "schedules", PackageResources._008_schedules_sql),
        migration(9, "dead letters", PackageResources._009_dead_letters_sql),
        migration(10, "sentinel", PackageResources._010_sentinel_sql),
        migration(11, "dependencies", PackageResources._011_dependencies_sql),
        migration(12, "isolation", PackageResources._012_isolation_sql),
        migration(13, "retention", PackageResources._013_retention_sql),
        migration(14, "claims", PackageResources._014_claims_sql),
        migration(15, "backlog", PackageResources._015_backlog_sql),
    ]

    private static func migration(_ id: Int, _ name: String, _ sql: [UInt8]) -> Migration {
        Migration(id: id, name: name, sql: String(decoding: sql, as: UTF8.self))
    }
}
