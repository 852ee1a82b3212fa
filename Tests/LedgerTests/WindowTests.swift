import FoundationEssentials
import Postgres
import Testing

/// Where days and months begin and end, told by the server's `moose.budget_window`.
@Suite(.timeLimit(.minutes(5))) struct `The window of a budget` {
    struct Case: Sendable, CustomTestStringConvertible {
        let period: String
        var zone = "UTC"
        let at: String
        let start: String
        let end: String
        var hours: Double?

        var testDescription: String { "\(period) of \(at) in \(zone)" }
    }

    static let cases = [
        Case(period: "day", at: "2026-11-23T13:10Z", start: "2026-11-23T00:00Z", end: "2026-11-24T00:00Z"),
        Case(period: "day", at: "2026-11-23T00:00Z", start: "2026-11-23T00:00Z", end: "2026-11-24T00:00Z"),
        Case(
            period: "day", at: "2026-11-22T23:59:59.999999Z", start: "2026-11-22T00:00Z",
            end: "2026-11-23T00:00Z"),
        // Months of 28, 29, 30 and 31 days, and the ends of years.
        Case(
            period: "month", at: "2026-02-28T12:00Z", start: "2026-02-01T00:00Z", end: "2026-03-01T00:00Z"),
        Case(
            period: "month", at: "2028-02-29T12:00Z", start: "2028-02-01T00:00Z", end: "2028-03-01T00:00Z"),
        Case(
            period: "month", at: "2100-02-28T12:00Z", start: "2100-02-01T00:00Z", end: "2100-03-01T00:00Z"),
        Case(
            period: "month", at: "2026-04-30T23:59Z", start: "2026-04-01T00:00Z", end: "2026-05-01T00:00Z"),
        Case(
            period: "month", at: "2026-12-31T23:59Z", start: "2026-12-01T00:00Z", end: "2027-01-01T00:00Z"),
        Case(period: "day", at: "2028-02-29T12:00Z", start: "2028-02-29T00:00Z", end: "2028-03-01T00:00Z"),
        Case(period: "day", at: "2026-12-31T12:00Z", start: "2026-12-31T00:00Z", end: "2027-01-01T00:00Z"),
        // New year comes at other instants elsewhere.
        Case(
            period: "month", zone: "America/New_York", at: "2027-01-01T04:59Z", start: "2026-12-01T05:00Z",
            end: "2027-01-01T05:00Z"),
        // Days of 23 and 25 hours, and months with them.
        Case(
            period: "day", zone: "Europe/Berlin", at: "2026-03-29T12:00Z", start: "2026-03-28T23:00Z",
            end: "2026-03-29T22:00Z", hours: 23),
        Case(
            period: "day", zone: "Europe/Berlin", at: "2026-10-25T00:30Z", start: "2026-10-24T22:00Z",
            end: "2026-10-25T23:00Z", hours: 25),
        Case(
            period: "month", zone: "Europe/Berlin", at: "2026-03-15T00:00Z", start: "2026-02-28T23:00Z",
            end: "2026-03-31T22:00Z", hours: 31 * 24 - 1),
        Case(
            period: "day", zone: "America/New_York", at: "2026-03-08T12:00Z", start: "2026-03-08T05:00Z",
            end: "2026-03-09T04:00Z", hours: 23),
        Case(
            period: "day", zone: "America/New_York", at: "2026-11-01T12:00Z", start: "2026-11-01T04:00Z",
            end: "2026-11-02T05:00Z", hours: 25),
        // Half an hour.
        Case(
            period: "day", zone: "Australia/Lord_Howe", at: "2026-04-05T00:00Z", start: "2026-04-04T13:00Z",
            end: "2026-04-05T13:30Z", hours: 24.5),
        Case(
            period: "day", zone: "Australia/Lord_Howe", at: "2026-10-04T00:00Z", start: "2026-10-03T13:30Z",
            end: "2026-10-04T13:00Z", hours: 23.5),
        // Midnight is skipped: the day begins at one.
        Case(
            period: "day", zone: "America/Havana", at: "2026-03-08T12:00Z", start: "2026-03-08T05:00Z",
            end: "2026-03-09T04:00Z", hours: 23),
        // Midnight comes twice, here also on the first of a month: the day begins with the first.
        Case(
            period: "day", zone: "America/Havana", at: "2026-11-01T04:30Z", start: "2026-11-01T04:00Z",
            end: "2026-11-02T05:00Z", hours: 25),
        Case(
            period: "month", zone: "America/Havana", at: "2026-10-31T12:00Z", start: "2026-10-01T04:00Z",
            end: "2026-11-01T04:00Z"),
        // A date that never was: Samoa went from 29 to 31 December.
        Case(
            period: "day", zone: "Pacific/Apia", at: "2011-12-30T09:00Z", start: "2011-12-29T10:00Z",
            end: "2011-12-30T10:00Z", hours: 24),
    ]

    @Test func `is the day or month of its time zone, however long`() async throws {
        try await LedgerDatabase.open(connections: 1) { client, _ in
            for expected in Self.cases {
                let row = try #require(
                    try await client.run(
                        """
                        SELECT w.window_start = \(expected.start)::text::timestamptz,
                               w.window_end = \(expected.end)::text::timestamptz,
                               (extract(epoch FROM w.window_end - w.window_start) / 3600)::float8, w.window_start::text
                        FROM moose.budget_window(
                            \(expected.period), \(expected.zone), \(expected.at)::text::timestamptz) w
                        """
                    ).first)
                let start = try row.decode(3, as: String.self)
                #expect(try row.decode(0, as: Bool.self), "\(expected) starts at \(start)")
                #expect(try row.decode(1, as: Bool.self), "\(expected) ends elsewhere")
                if let hours = expected.hours { #expect(try row.decode(2, as: Double.self) == hours, "\(expected)") }
            }
            let total = try await client.run(
                """
                SELECT count(*) FROM unnest('{2000-02-29,2026-11-23,2100-12-31}'::timestamptz[]) AS t (at),
                       moose.budget_window('total', 'Europe/Berlin', t.at) w
                WHERE (w.window_start, w.window_end) = ('-infinity', 'infinity')
                """)
            #expect(try total.first?.decode(0, as: Int64.self) == 3)
        }
    }

    @Test(
        arguments: [
            "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut",
            "Atlantic/Azores", "Africa/Cairo", "America/Asuncion", "Asia/Kathmandu",
        ], ["day", "month"])
    func `holds each instant, joins its neighbours, and is one for a date`(zone: String, period: String) async throws {
        try await LedgerDatabase.open(connections: 1) { _, url in
            // A hundred and forty thousand windows, beside nineteen more such questions, may take a while.
            var patient = PostgresConfiguration(url: url)
            patient.statementTimeout = .seconds(120)
            let client = try PostgresClient(configuration: patient, maxConnections: 1)
            // Two years, a quarter of an hour at a time, and the last microsecond before each.
            let row = try #require(
                try await client.run(
                    """
                    WITH instant AS (
                        SELECT u.at, date_trunc(\(period), u.at AT TIME ZONE \(zone)) AS local, w.*
                        FROM generate_series('2024-01-01Z'::timestamptz, '2026-01-01Z', '15 minutes') AS g (at),
                             unnest(ARRAY[g.at - interval '1 microsecond', g.at]) AS u (at),
                             moose.budget_window(\(period), \(zone), u.at) w
                    ), pair AS (
                        SELECT i.*, lag(i.window_start) OVER n AS start_before, lag(i.window_end) OVER n AS end_before,
                               lag(i.local) OVER n AS local_before
                        FROM instant i WINDOW n AS (ORDER BY i.at)
                    )
                    SELECT count(*),
                           count(*) FILTER (WHERE at < window_start OR at >= window_end),
                           count(*) FILTER (WHERE window_start <> start_before AND window_start <> end_before
                                            OR window_start = start_before AND window_end <> end_before),
                           count(*) FILTER (WHERE (local = local_before) <> (window_start = start_before))
                    FROM pair
                    """
                ).first)
            #expect(try row.decode(0, as: Int64.self) > 140_000)
            #expect(try row.decode(1, as: Int64.self) == 0, "an instant lies outside its window")
            #expect(try row.decode(2, as: Int64.self) == 0, "windows overlap or leave a gap")
            #expect(try row.decode(3, as: Int64.self) == 0, "a date has two windows, or two dates share one")
            await client.close()
        }
    }
}
