package import FoundationEssentials
package import Postgres
package import WorkOrders

/// When a cron expression ticks next, by the database's clock and zones.
package struct NextTicks: Sendable {
    package struct Tick: Sendable {
        package let at: Date
        /// How clocks in the zone show it, such as `Mon 2026-02-02 02:30`.
        package let local: String
    }

    /// At least one; fewer than were asked for where it doesn't tick more often in the next eight years.
    package let ticks: [Tick]
    /// In the database's spelling.
    package let zone: String

    /// Those of an expression.
    ///
    /// - Throws: ``OperationError/Kind/invalid`` for an unknown time zone; `CronError` where it never ticks.
    package static func of(
        _ cron: CronExpression, in timeZone: String, count: Int, from database: PostgresClient
    ) async throws -> NextTicks {
        let zone = try await database.withTransaction { try await TimeZoneName.known(timeZone, in: $0) }
        return try await load(count, cron, zone, database)
    }

    /// Those of a schedule, whether it is paused or not.
    ///
    /// - Throws: ``OperationError/Kind/notFound`` when there is none of this name.
    package static func of(schedule name: String, count: Int, from database: PostgresClient) async throws -> NextTicks {
        let schedule = try await Schedule.find(name, in: database)
        return try await load(count, try CronExpression(schedule.cron), schedule.timeZone, database)
    }

    private static func load(
        _ count: Int, _ cron: CronExpression, _ zone: String, _ database: PostgresClient
    ) async throws -> NextTicks {
        let instants = try await ScheduleEdit.ticks(count, of: cron, in: zone, database)
        let ticks = try await database.run(
            """
            SELECT t, to_char(t AT TIME ZONE \(zone), 'Dy YYYY-MM-DD HH24:MI')
            FROM unnest(\(instants)) WITH ORDINALITY AS i (t, n) ORDER BY n
            """
        ).rows.decode().map(Tick.init)
        return NextTicks(ticks: ticks, zone: zone)
    }
}
