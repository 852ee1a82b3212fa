package import FoundationEssentials
package import Postgres
internal import WorkOrders

/// A schedule as it stands in the table.
package struct Schedule: Sendable {
    package let name: String
    package let cron: String
    package let timeZone: String
    /// The body of each order, JSON.
    package let template: String
    package let kind: String
    package let nextRunAt: Date
    package let lastRunAt: Date?
    package let lastOrder: UUID?
    package let missed: Int64
    package let pausedAt: Date?
    package let pausedBy: String?
    package let pausedBecause: String?

    /// In the order of their names.
    package static func all(in database: PostgresClient) async throws -> [Schedule] {
        try await load(nil, in: database)
    }

    /// - Throws: ``OperationError/Kind/notFound`` when there is none of this name.
    package static func find(_ name: String, in database: PostgresClient) async throws -> Schedule {
        guard let found = try await load(name, in: database).first else { throw missing(name) }
        return found
    }

    static func missing(_ name: String) -> OperationError {
        OperationError(
            .notFound, "there is no schedule “\(name.clipped(to: 60))”", next: "`moose schedules list` shows them")
    }

    private static func load(_ name: String?, in database: PostgresClient) async throws -> [Schedule] {
        try await database.run(
            """
            SELECT name, cron, time_zone, template::text, coalesce(template ->> 'kind', '-'), next_run_at, last_run_at,
                   last_order, missed, paused_at, paused_by, paused_because
            FROM moose.schedules WHERE \(name)::text IS NULL OR name = \(name) ORDER BY name
            """
        ).rows.map(Schedule.init)
    }

    private init(_ row: PostgresRow) throws {
        (
            name, cron, timeZone, template, kind, nextRunAt, lastRunAt, lastOrder, missed, pausedAt, pausedBy,
            pausedBecause
        ) = try row.decode()
    }

    package var json: JSONValue {
        [
            "name": .string(name), "cron": .string(cron), "time_zone": .string(timeZone),
            "template": .document(template), "next_run_at": .time(pausedAt == nil ? nextRunAt : nil),
            "last_run_at": .time(lastRunAt), "last_order": .id(lastOrder), "missed": .integer(missed),
            "paused_at": .time(pausedAt), "paused_by": .text(pausedBy), "paused_because": .text(pausedBecause),
        ]
    }
}
