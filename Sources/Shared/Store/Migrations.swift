package import Postgres

/// The schema of Moose, in the binary: numbered, applied once each, never changed after a release.
package enum Migrations {
    /// In the order they are applied.
    package static let all: [Migration] = [
        migration(1, "work orders", PackageResources._001_work_orders_sql),
        migration(2, "outbox", PackageResources._002_outbox_sql),
        migration(3, "budget", PackageResources._003_budget_sql),
        migration(4, "reserve and settle", PackageResources._004_reserve_and_settle_sql),
        migration(5, "claim batch", PackageResources._005_claim_batch_sql),
        migration(6, "refusals", PackageResources._006_refusals_sql),
        migration(7, "finish batch", PackageResources._007_finish_batch_sql),
        migration(8, "leases and relay", PackageResources._008_leases_and_relay_sql),
        migration(9, "escalations", PackageResources._009_escalations_sql),
    ]

    private static func migration(_ id: Int, _ name: String, _ sql: [UInt8]) -> Migration {
        Migration(id: id, name: name, sql: String(decoding: sql, as: UTF8.self))
    }
}
