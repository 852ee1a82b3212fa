package import FoundationEssentials
package import Postgres
internal import Store
package import WorkOrders

/// What an operator does to a schedule; each is kept in the audit log with who and why.
package struct ScheduleEdit: Sendable {
    package let name: String
    package let who: String
    package let reason: String?

    package init(name: String, who: String, reason: String?) {
        self.name = name
        self.who = who
        self.reason = reason
    }

    /// Makes or replaces it.
    ///
    /// - Parameter template: the body of its orders, JSON.
    /// - Returns: the zone in the database's spelling, and the first tick.
    /// - Throws: ``OperationError/Kind/refused`` when there is one of this name and it is not to be replaced,
    ///   ``OperationError/Kind/invalid`` for an unknown time zone.
    package func add(
        _ cron: CronExpression, timeZone: String, template: String, replacing: Bool, in database: PostgresClient
    ) async throws -> (timeZone: String, next: Date) {
        let zone = try await database.withTransaction { try await TimeZoneName.known(timeZone, in: $0) }
        let next = try await Self.ticks(1, of: cron, in: zone, database)[0]
        try await change(in: database) { transaction in
            _ = try await transaction.run(
                "SELECT moose.check_order(gen_random_uuid(), \(template)::text::jsonb)")
            let insert: Query = """
                INSERT INTO moose.schedules (name, cron, time_zone, template, next_run_at)
                VALUES (\(name), \(cron.description), \(zone), \(template)::text::jsonb, \(next))
                ON CONFLICT (name) DO NOTHING
                """
            let replace: Query = """
                INSERT INTO moose.schedules (name, cron, time_zone, template, next_run_at)
                VALUES (\(name), \(cron.description), \(zone), \(template)::text::jsonb, \(next))
                ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone,
                    template = excluded.template, next_run_at = excluded.next_run_at
                """
            guard try await transaction.run(replacing ? replace : insert).affectedRows > 0 else {
                throw OperationError(
                    .refused, "there is a schedule “\(name)” already", next: "Take another name, or add --replace")
            }
        }
        return (zone, next)
    }

    package func remove(in database: PostgresClient) async throws {
        try await change(in: database) { transaction in
            let gone = try await transaction.run("DELETE FROM moose.schedules WHERE name = \(name)").affectedRows
            guard gone > 0 else { throw Schedule.missing(name) }
        }
    }

    /// - Returns: false when it was paused before; then it stays as it was.
    package func pause(in database: PostgresClient) async throws -> Bool {
        try await change(in: database) { transaction in
            let paused = try await transaction.run(
                """
                UPDATE moose.schedules SET paused_at = now(), paused_by = \(who), paused_because = \(reason)
                WHERE name = \(name) AND paused_at IS NULL
                """
            ).affectedRows
            if paused > 0 { return true }
            let isThere = try await transaction.run("SELECT 1 FROM moose.schedules WHERE name = \(name)").rowCount > 0
            guard isThere else { throw Schedule.missing(name) }
            return false
        }
    }

    /// Goes on with the next tick from now; what lay in the pause is not made up for.
    ///
    /// - Returns: the next tick; nil when it wasn't paused.
    package func resume(in database: PostgresClient) async throws -> Date? {
        let schedule = try await Schedule.find(name, in: database)
        guard schedule.pausedAt != nil else { return nil }
        let cron = try CronExpression(schedule.cron)
        let next = try await Self.ticks(1, of: cron, in: schedule.timeZone, database)[0]
        try await change(in: database) { transaction in
            let resumed = try await transaction.run(
                """
                UPDATE moose.schedules
                SET paused_at = NULL, paused_by = NULL, paused_because = NULL, next_run_at = \(next)
                WHERE name = \(name) AND cron = \(schedule.cron) AND time_zone = \(schedule.timeZone)
                """
            ).affectedRows
            guard resumed > 0 else {
                throw OperationError(.refused, "“\(name)” was changed at the same moment", next: "Try again")
            }
        }
        return next
    }

    /// Writes an order as a tick would, now; the next tick stays where it is.
    package func run(in database: PostgresClient) async throws -> UUID {
        try await change(in: database) { transaction in
            let written = try await transaction.value(
                """
                SELECT moose.put_scheduled(moose.time_ordered_id(), name, template, now())
                FROM moose.schedules WHERE name = \(name) FOR SHARE
                """, as: UUID?.self)
            guard let id = written else { throw Schedule.missing(name) }
            _ = try await transaction.run(
                """
                INSERT INTO moose.audit_log (who, action, subject, after, reason)
                VALUES (\(who), 'schedule run', \("schedule \(name)"), jsonb_build_object('work_order', \(id)::uuid),
                        \(reason))
                """)
            return id
        }
    }

    /// The next ticks by the database's clock and zones; at least one.
    static func ticks(
        _ count: Int, of cron: CronExpression, in zone: String, _ database: PostgresClient
    ) async throws -> [Date] {
        let now = try await database.value("SELECT now()", as: Date.self)
        let ticks = cron.ticks(count, after: now, in: try await Store(database).zoneOffsets(zone, around: now))
        guard !ticks.isEmpty else { throw CronError.tooRare(cron) }
        return ticks
    }

    private func change<Value>(
        in database: PostgresClient, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        try await database.withTransaction { transaction in
            _ = try await transaction.run("SELECT moose.act_as(\(who), \(reason))")
            return try await body(transaction)
        }
    }
}
