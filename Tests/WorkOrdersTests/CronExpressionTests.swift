import FoundationEssentials
import TestSupport
import Testing

@testable import WorkOrders

struct CronExpressionTests {
    private func instant(_ text: String) throws -> Date { try #require(Date(rfc3339: text)) }

    private func ticks(_ cron: String, _ count: Int, after start: String) throws -> [String] {
        try CronExpression(cron).ticks(count, after: try instant(start), in: CronZoneTests.utc).map {
            String($0.rfc3339.prefix(16))
        }
    }

    @Test(arguments: [
        ("30 2 * * *", ["2026-11-23T02:30", "2026-11-24T02:30"]),
        ("*/20 * * * *", ["2026-11-22T10:20", "2026-11-22T10:40"]),
        ("5,50 10-12/2 * * *", ["2026-11-22T10:50", "2026-11-22T12:05"]),
        ("0 0 1 1 *", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        ("0 12 31 * *", ["2026-12-31T12:00", "2027-01-31T12:00"]),
        ("0 12 29 feb *", ["2028-02-29T12:00", "2032-02-29T12:00"]),
        ("0 9 * * mon-FRI", ["2026-11-23T09:00", "2026-11-24T09:00"]),
        ("0 9 * * 7", ["2026-11-29T09:00", "2026-12-06T09:00"]),
        ("0 9 * * fri-sun", ["2026-11-27T09:00", "2026-11-28T09:00"]),
        ("0 9 * Jan,jul sat", ["2027-01-02T09:00", "2027-01-09T09:00"]),
        ("@hourly", ["2026-11-22T11:00", "2026-11-22T12:00"]),
        ("@Daily", ["2026-11-23T00:00", "2026-11-24T00:00"]),
        ("@midnight", ["2026-11-23T00:00", "2026-11-24T00:00"]),
        ("@weekly", ["2026-11-29T00:00", "2026-12-06T00:00"]),
        ("@monthly", ["2026-12-01T00:00", "2027-01-01T00:00"]),
        ("@annually", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        // Both fields of days restricted: either counts. One of them beginning with a star: both must match.
        ("0 0 13 * fri", ["2026-11-27T00:00", "2026-12-04T00:00"]),
        ("0 0 1 12 mon", ["2026-12-01T00:00", "2026-12-07T00:00"]),
        ("0 0 */2 * mon", ["2026-11-23T00:00", "2026-12-07T00:00"]),
    ])
    func `an expression ticks when it says`(cron: String, wanted: [String]) throws {
        // A Sunday.
        #expect(try ticks(cron, 2, after: "2026-11-22T10:17:30Z") == wanted)
    }

    @Test func `a tick is after the instant, never at it`() throws {
        #expect(try ticks("0 12 * * *", 1, after: "2026-11-22T12:00:00Z") == ["2026-11-23T12:00"])
        #expect(try ticks("0 12 * * *", 1, after: "2026-11-22T11:59:59.999Z") == ["2026-11-22T12:00"])
    }

    @Test func `the centuries that are no leap years are known`() throws {
        #expect(try ticks("0 0 29 2 *", 1, after: "2096-03-01T00:00:00Z") == ["2104-02-29T00:00"])
        #expect(try ticks("0 0 29 2 *", 1, after: "1999-03-01T00:00:00Z") == ["2000-02-29T00:00"])
    }

    @Test(arguments: [
        ("60 * * * *", "minute", "60"), ("* 24 * * *", "hour", "24"), ("* * 0 * *", "day of month", "0"),
        ("* * 32 * *", "day of month", "32"), ("* * * 13 *", "month", "13"), ("* * * * 8", "day of week", "8"),
        ("* * * foo *", "month", "foo"), ("a * * * *", "minute", "a"), ("*/0 * * * *", "minute", "*/0"),
        ("*/61 * * * *", "minute", "*/61"), ("5/10 * * * *", "minute", "5-59/10"),
        ("9-5 * * * *", "minute", "9-59,0-5"),
        ("1,,2 * * * *", "minute", "1,,2"), ("1-2-3 * * * *", "minute", "1-2-3"), ("1/2/3 * * * *", "minute", "1/2/3"),
        ("* * * * mon-", "day of week", "mon-"), ("-1 * * * *", "minute", "-1"), ("+1 * * * *", "minute", "+1"),
        ("١ * * * *", "minute", "١"), ("99999999999999999999 * * * *", "minute", "9999"),
        ("0 0 30 2 *", "day of month", "30"), ("0 0 31 4,6,9,11 *", "day of month", "31"),
    ])
    func `a mistake is told with its field and the text at fault`(cron: String, field: String, text: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(cron) }
        #expect(error?.field?.rawValue == field)
        #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains(" of 5)") == true)
    }

    @Test(arguments: ["", "* * * *", "* * * * * *", "@reboot", "@never", "30 2 * *"])
    func `what has not five fields is told so`(cron: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(cron) }
        #expect(error != nil && error?.field == nil)
    }

    @Test func `no text crashes the parser, and what it takes ticks or says that it never does`() throws {
        var generator = SplitMix64(seed: 18)
        let pieces = [
            "*", "/", "-", ",", "0", "1", "7", "12", "29", "31", "59", "60", "feb", "sun", "sat", "@daily", " ", " ",
            " ", "é", "\u{0}", "9999999999",
        ]
        var taken = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...14, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            guard let cron = try? CronExpression(text) else { continue }
            taken += 1
            let start = Date(timeIntervalSince1970: Double.random(in: 0...4e9, using: &generator))
            let zone = ZoneOffsets(stretches: [.init(start: -86_400, secondsEast: 0)], end: 4_500_000_000)
            if let next = cron.next(after: start, in: zone) { #expect(next > start) }
        }
        #expect(taken > 50)
    }

    @Test func `a day's number and its date agree with the calendar`() throws {
        for number in stride(from: Int64(-100_000), to: 200_000, by: 37) {
            let text = Date(timeIntervalSince1970: Double(number) * 86_400).rfc3339
            let day = CivilDay(number: number)
            let wanted = text.prefix(10).split(separator: "-").suffix(2).compactMap { Int($0) }
            #expect([day.month, day.day] == wanted, "\(text)")
        }
        #expect(CivilDay(number: 0).weekday == 4)
        #expect(CivilDay(number: -1).weekday == 3)
    }
}
