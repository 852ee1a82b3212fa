package import Postgres

/// The schema of Moose, in the binary: numbered, applied once each, never changed after a release.
package enum Migrations {
    /// In the order they are applied.
    package static let all: [Migration] = [
        migration(1, "work orders", PackageResources._001_work_orders_sql),
        migration(2, "outbox", PackageResources._002_outbox_sql),
        migration(3, "budget", PackageResources._003_budget_sql),
        migration(4, "reserve batch", PackageResources._004_reserve_batch_sql),
        migration(5, "close holds", PackageResources._005_close_holds_sql),
        migration(6, "ledger batch", PackageResources._006_ledger_batch_sql),
        migration(7, "budget marks", PackageResources._007_budget_marks_sql),
        migration(8, "claim batch", PackageResources._008_claim_batch_sql),
        migration(9, "refusals", PackageResources._009_refusals_sql),
        migration(10, "finish batch", PackageResources._010_finish_batch_sql),
        migration(11, "leases and relay", PackageResources._011_leases_and_relay_sql),
        migration(12, "escalations", PackageResources._012_escalations_sql),
        migration(13, "budget control", PackageResources._013_budget_control_sql),
        migration(14, "budget views", PackageResources._014_budget_views_sql),
        migration(15, "budget door", PackageResources._015_budget_door_sql),
        migration(16, "flow", PackageResources._016_flow_sql),
        migration(17, "control", PackageResources._017_control_sql),
        migration(18, "schedules", PackageResources._018_schedules_sql),
        migration(20, "dead letters", PackageResources._020_dead_letters_sql),
        migration(21, "scaling", PackageResources._021_scaling_sql),
        migration(22, "sentinel", PackageResources._022_sentinel_sql),
        migration(24, "dependencies", PackageResources._024_dependencies_sql),
        migration(25, "isolation", PackageResources._025_isolation_sql),
        migration(28, "retention", PackageResources._028_retention_sql),
    ]

    private static func migration(_ id: Int, _ name: String, _ sql: [UInt8]) -> Migration {
        Migration(id: id, name: name, sql: String(decoding: sql, as: UTF8.self))
    }
}
