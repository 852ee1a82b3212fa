package import FoundationEssentials

extension CronExpression {
    /// The first tick after an instant.
    ///
    /// Where clocks are put **forward**, a time of day that is skipped ticks once, right after the gap; where they are put
    /// **back**, a time of day that comes twice ticks once, the first time. An expression for every hour (`*`) follows
    /// the hours themselves instead: none is skipped, and both hours of the same name have their ticks.
    ///
    /// - Returns: nil when there is none in the time that the zone's offsets cover. Eight years are enough for every
    ///   day of a year.
    package func next(after instant: Date, in zone: ZoneOffsets) -> Date? {
        let after = Int64(instant.timeIntervalSince1970.rounded(.down))
        for (index, stretch) in zone.stretches.enumerated() {
            let isLast = index + 1 == zone.stretches.count
            let end = isLast ? zone.end : zone.stretches[index + 1].start
            guard end > after else { continue }
            var from = max(after + 1, stretch.start)
            if index > 0, !isEveryHour {
                let before = zone.stretches[index - 1].secondsEast
                if stretch.start > after,
                    localTick(from: stretch.start + before, before: stretch.start + stretch.secondsEast) != nil
                {
                    return Date(timeIntervalSince1970: Double(stretch.start))
                }
                from = max(from, stretch.start + max(0, before - stretch.secondsEast))
            }
            if let tick = localTick(from: from + stretch.secondsEast, before: end + stretch.secondsEast) {
                return Date(timeIntervalSince1970: Double(tick - stretch.secondsEast))
            }
        }
        return nil
    }

    /// The first so many ticks after an instant.
    package func ticks(_ count: Int, after instant: Date, in zone: ZoneOffsets) -> [Date] {
        var ticks: [Date] = []
        while ticks.count < count, let tick = next(after: ticks.last ?? instant, in: zone) { ticks.append(tick) }
        return ticks
    }

    /// The first tick by a clock that knows no time zone, in its seconds since 1970.
    private func localTick(from: Int64, before: Int64) -> Int64? {
        let first = Self.minutes(from)
        let last = Self.minutes(before)
        guard first < last else { return nil }
        var day = first >= 0 ? first / 1440 : (first - 1439) / 1440
        var earliest = first - day * 1440
        while day * 1440 < last {
            if matches(CivilDay(number: day)), let minute = firstMinute(from: earliest) {
                let tick = day * 1440 + minute
                return tick < last ? tick * 60 : nil
            }
            day += 1
            earliest = 0
        }
        return nil
    }

    /// Whole minutes, rounded up.
    private static func minutes(_ seconds: Int64) -> Int64 {
        seconds > 0 ? (seconds + 59) / 60 : seconds / 60
    }
}
