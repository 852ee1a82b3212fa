package import FoundationEssentials
package import Postgres
package import WorkOrders

/// A schedule whose next tick has come.
package struct DueSchedule: Sendable, Equatable {
    package let name: String
    package let cron: String
    package let timeZone: String
    /// The tick.
    package let tick: Date
    /// By the database's clock.
    package let now: Date
}

/// The decision to fire a tick: the schedule as it was seen, and where it goes from there.
package struct ScheduleFiring: Sendable {
    package let schedule: DueSchedule
    package let next: Date
    /// Ticks between the two that nobody was there for.
    package let missed: Int

    package init(_ schedule: DueSchedule, next: Date, missed: Int) {
        self.schedule = schedule
        self.next = next
        self.missed = missed
    }
}

extension Store {
    /// Schedules whose tick has come, the oldest first.
    ///
    /// - Parameter now: nil is the database's clock.
    package func dueSchedules(at now: Date? = nil, limit: Int = 200) async throws(PostgresError) -> [DueSchedule] {
        try await postgres.run(
            """
            SELECT name, cron, time_zone, next_run_at, coalesce(\(now)::timestamptz, now()) FROM moose.schedules
            WHERE paused_at IS NULL AND next_run_at <= coalesce(\(now)::timestamptz, now())
            ORDER BY next_run_at, name LIMIT \(Int32(clamping: limit))
            """
        ).rows.decode().map(DueSchedule.init)
    }

    /// Writes the orders of the ticks and moves the schedules on, in one commit; passes by what changed meanwhile.
    ///
    /// - Returns: the names of those it fired.
    package func fire(_ firings: [ScheduleFiring], at now: Date? = nil) async throws(PostgresError) -> [String] {
        guard !firings.isEmpty else { return [] }
        return try await postgres.run(
            """
            SELECT name FROM moose.fire_schedules(
                \(firings.map(\.schedule.name)), \(firings.map(\.schedule.cron)), \(firings.map(\.schedule.timeZone)),
                \(firings.map(\.schedule.tick)), \(firings.map(\.next)), \(firings.map { Int64($0.missed) }), \(now))
            """
        ).rows.decode(String.self)
    }

    /// Pauses schedules whose next tick can't be told, with an error event each.
    package func stopSchedules(_ reasons: [String: String]) async throws(PostgresError) {
        guard !reasons.isEmpty else { return }
        let names = reasons.keys.sorted()
        _ = try await postgres.run("SELECT moose.stop_schedules(\(names), \(names.map { reasons[$0] ?? "" }))")
    }

    /// How long until the next tick, negative where it is past; nil when nothing ticks.
    package func scheduleWait() async throws(PostgresError) -> Duration? {
        try await postgres.value("SELECT moose.schedule_wait()", as: Double?.self).map { .seconds($0) }
    }

    /// The rules of a time zone from two days before an instant to nine years after it, as the database knows them.
    ///
    /// - Throws: a server error with SQLSTATE 22023 when it knows no such zone.
    package func zoneOffsets(_ zone: String, around instant: Date) async throws(PostgresError) -> ZoneOffsets {
        let end = instant.addingTimeInterval(9 * 366 * 86_400)
        let stretches = try await postgres.run(
            """
            SELECT starts_at, seconds_east
            FROM moose.zone_offsets(\(zone), \(instant.addingTimeInterval(-2 * 86_400)), \(end))
            """
        ).rows.decode().map(ZoneOffsets.Stretch.init)
        return ZoneOffsets(stretches: stretches, end: Int64(end.timeIntervalSince1970))
    }
}
