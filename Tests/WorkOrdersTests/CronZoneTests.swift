import FoundationEssentials
import TestSupport
import Testing

@testable import WorkOrders

/// What summer time does to schedules.
struct CronZoneTests {
    /// A zone from the instants at which its clocks change.
    private static func zone(_ changes: [(String, Int64)]) -> ZoneOffsets {
        ZoneOffsets(
            stretches: changes.map { text, minutes in
                .init(
                    start: Int64((Date(rfc3339: text) ?? .distantPast).timeIntervalSince1970),
                    secondsEast: minutes * 60)
            }, end: 1_830_000_000)
    }

    static let utc = ZoneOffsets(stretches: [.init(start: 0, secondsEast: 0)], end: 5_000_000_000)
    static let berlin = zone([
        ("2025-12-01T00:00:00Z", 60), ("2026-03-29T01:00:00Z", 120), ("2026-10-25T01:00:00Z", 60),
        ("2027-03-28T01:00:00Z", 120),
    ])
    static let newYork = zone([
        ("2025-12-01T00:00:00Z", -300), ("2026-03-08T07:00:00Z", -240), ("2026-11-01T06:00:00Z", -300),
    ])
    /// Half an hour only.
    static let lordHowe = zone([
        ("2025-12-01T00:00:00Z", 660), ("2026-04-04T15:00:00Z", 630), ("2026-10-03T15:30:00Z", 660),
    ])
    /// Lost a whole day once, when it went to the other side of the date line.
    static let apia = zone([("2011-11-01T00:00:00Z", -600), ("2011-12-30T10:00:00Z", 840)])

    private func ticks(_ cron: String, _ count: Int, _ zone: ZoneOffsets, after start: String) throws -> [String] {
        try CronExpression(cron).ticks(count, after: try #require(Date(rfc3339: start)), in: zone).map {
            String($0.rfc3339.prefix(16))
        }
    }

    @Test func `a time of day that is skipped ticks once, right after the gap`() throws {
        #expect(
            try ticks("30 2 * * *", 3, Self.berlin, after: "2026-03-27T12:00:00Z")
                == ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"])
        // Four skipped ticks and the one at the gap's end are one.
        #expect(
            try ticks("*/15 2,3 * * *", 3, Self.berlin, after: "2026-03-29T00:00:00Z")
                == ["2026-03-29T01:00", "2026-03-29T01:15", "2026-03-29T01:30"])
        #expect(
            try ticks("30 2 * * *", 2, Self.newYork, after: "2026-03-07T12:00:00Z")
                == ["2026-03-08T07:00", "2026-03-09T06:30"])
        #expect(
            try ticks("15 2 * * *", 2, Self.lordHowe, after: "2026-10-03T00:00:00Z")
                == ["2026-10-03T15:30", "2026-10-04T15:15"])
    }

    @Test func `a time of day that comes twice ticks once, the first time`() throws {
        #expect(
            try ticks("30 2 * * *", 3, Self.berlin, after: "2026-10-24T12:00:00Z")
                == ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"])
        #expect(
            try ticks("30 1 * * *", 2, Self.newYork, after: "2026-10-31T12:00:00Z")
                == ["2026-11-01T05:30", "2026-11-02T06:30"])
        #expect(
            try ticks("45 1 * * *", 2, Self.lordHowe, after: "2026-04-04T00:00:00Z")
                == ["2026-04-04T14:45", "2026-04-05T15:15"])
        // Asked from within the second time.
        #expect(
            try ticks("30 2 * * *", 1, Self.berlin, after: "2026-10-25T01:10:00Z") == ["2026-10-26T01:30"])
    }

    @Test func `what ticks in every hour follows the hours`() throws {
        #expect(
            try ticks("30 * * * *", 4, Self.berlin, after: "2026-10-24T23:45:00Z")
                == ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30", "2026-10-25T03:30"])
        #expect(
            try ticks("30 * * * *", 3, Self.berlin, after: "2026-03-28T23:45:00Z")
                == ["2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"])
        #expect(
            try ticks("*/30 * * * *", 4, Self.lordHowe, after: "2026-04-04T14:30:00Z")
                == ["2026-04-04T15:00", "2026-04-04T15:30", "2026-04-04T16:00", "2026-04-04T16:30"])
    }

    @Test func `a day that doesn't exist ticks once, when the next begins`() throws {
        #expect(
            try ticks("0 9 * * *", 3, Self.apia, after: "2011-12-28T20:00:00Z")
                == ["2011-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"])
    }

    /// What a person would write down: the clock on the wall, minute by minute.
    private func written(_ cron: CronExpression, _ zone: ZoneOffsets, from start: Int64, until end: Int64) -> [Int64] {
        func offset(_ at: Int64) -> Int64 { zone.stretches.last { $0.start <= at }?.secondsEast ?? 0 }
        func fits(_ wall: Int64) -> Bool {
            let minute = wall / 60
            return cron.matches(CivilDay(number: minute / 1440))
                && cron.hours & (1 << UInt64(minute % 1440 / 60)) != 0 && cron.minutes & (1 << UInt64(minute % 60)) != 0
        }
        var ticks: [Int64] = []
        var latest = start - 60 + offset(start - 60)
        for now in stride(from: start, to: end, by: 60) {
            let wall = now + offset(now)
            let isSkipping = wall > latest + 60 && !cron.isEveryHour
            let isRepeated = wall <= latest && !cron.isEveryHour
            if isSkipping, stride(from: latest + 60, to: wall, by: 60).contains(where: fits) || fits(wall) {
                ticks.append(now)
            } else if !isRepeated, fits(wall) {
                ticks.append(now)
            }
            latest = max(latest, wall)
        }
        return ticks
    }

    @Test func `any expression ticks as a person with a clock would say, in any zone`() throws {
        var generator = SplitMix64(seed: 7)
        func field(_ range: ClosedRange<Int>) -> String {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: "*"
            case 1: "*/\(Int.random(in: 1...range.upperBound, using: &generator))"
            case 2:
                "\(Int.random(in: range, using: &generator)),\(Int.random(in: range, using: &generator))"
            default: "\(Int.random(in: range, using: &generator))"
            }
        }
        for (name, zone) in [("Berlin", Self.berlin), ("New York", Self.newYork), ("Lord Howe", Self.lordHowe)] {
            for change in zone.stretches.dropFirst() {
                for _ in 0..<60 {
                    let text = "\(field(0...59)) \(field(0...4)) \(field(1...28)) * \(field(0...6))"
                    let cron = try CronExpression(text)
                    let start = change.start - 2 * 86_400
                    let end = change.start + 86_400
                    let seen = cron.ticks(5000, after: Date(timeIntervalSince1970: Double(start - 1)), in: zone)
                        .map { Int64($0.timeIntervalSince1970) }.filter { $0 < end }
                    #expect(seen == written(cron, zone, from: start, until: end), "\(text) in \(name)")
                }
            }
        }
    }
}
