internal import FoundationEssentials
internal import Postgres

/// A schedule as it stands in the table.
struct Schedule: Sendable {
    let name: String
    let cron: String
    let timeZone: String
    /// The body of each order, JSON.
    let template: String
    let kind: String
    let nextRunAt: Date
    let lastRunAt: Date?
    let lastOrder: UUID?
    let missed: Int64
    let pausedAt: Date?
    let pausedBy: String?
    let pausedBecause: String?

    /// In the order of their names.
    static func all(in database: PostgresClient) async throws -> [Schedule] {
        try await load(nil, in: database)
    }

    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when there is none of this name.
    static func find(_ name: String, in database: PostgresClient) async throws -> Schedule {
        guard let found = try await load(name, in: database).first else { throw missing(name) }
        return found
    }

    static func missing(_ name: String) -> CommandFailure {
        let shown = PrintableText.truncated(PrintableText.oneLine(name), to: 60)
        return CommandFailure(
            "there is no schedule “\(shown)”", next: "`moose schedules list` shows them", status: .refused)
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
        name = try row.decode(0)
        cron = try row.decode(1)
        timeZone = try row.decode(2)
        template = try row.decode(3)
        kind = try row.decode(4)
        nextRunAt = try row.decode(5)
        lastRunAt = try row.decode(6)
        lastOrder = try row.decode(7)
        missed = try row.decode(8)
        pausedAt = try row.decode(9)
        pausedBy = try row.decode(10)
        pausedBecause = try row.decode(11)
    }

    var json: JSONValue {
        [
            "name": .string(name), "cron": .string(cron), "time_zone": .string(timeZone),
            "template": .document(template), "next_run_at": .time(pausedAt == nil ? nextRunAt : nil),
            "last_run_at": .time(lastRunAt), "last_order": .id(lastOrder), "missed": .integer(missed),
            "paused_at": .time(pausedAt), "paused_by": .text(pausedBy), "paused_because": .text(pausedBecause),
        ]
    }
}
