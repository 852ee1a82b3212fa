/// When a schedule ticks: five fields (minute, hour, day of month, month, day of week), or a name such as `@daily`.
///
/// A field is `*`, a number, a range `1-5`, a step `*/15` or `9-17/2`, or a list of these; months and days of the week
/// also have English names of three letters, and Sunday is 0 and 7. **Days** follow Vixie cron: where both fields of
/// days are restricted (neither begins with `*`), a day that matches either counts; else both must match.
package struct CronExpression: Sendable, Equatable, CustomStringConvertible {
    /// As it was written, with single blanks.
    package let description: String
    let minutes: UInt64
    let hours: UInt64
    let daysOfMonth: UInt64
    let months: UInt64
    let daysOfWeek: UInt64
    private let isEitherDay: Bool

    /// It ticks in every hour there is, so it follows time that passes, not what clocks on the wall show.
    var isEveryHour: Bool { hours == (1 << 24) - 1 }

    private static let macros = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// - Throws: ``CronError`` that names the field.
    package init(_ text: String) throws(CronError) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        description = words.joined(separator: " ")
        var fields = words
        if words.count == 1, words[0].hasPrefix("@") {
            guard let macro = Self.macros[words[0].lowercased()] else {
                throw CronError(
                    nil, text,
                    "the names are @hourly, @daily (@midnight), @weekly, @monthly and @yearly (@annually)")
            }
            fields = macro.split(separator: " ")
        }
        guard fields.count == 5 else {
            throw CronError(
                nil, text,
                "it has \(fields.count) fields instead of 5: minute, hour, day of month, month, day of week")
        }
        minutes = try CronFieldParser(field: .minute).parse(fields[0])
        hours = try CronFieldParser(field: .hour).parse(fields[1])
        daysOfMonth = try CronFieldParser(field: .dayOfMonth).parse(fields[2])
        months = try CronFieldParser(field: .month).parse(fields[3])
        daysOfWeek = try CronFieldParser(field: .dayOfWeek).parse(fields[4])
        isEitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        // Where either day counts, the day of the week comes in every month.
        guard isEitherDay || hasDay else {
            throw CronError(.dayOfMonth, fields[2], "none of the months in “\(fields[3])” has such a day")
        }
    }

    /// Whether some month of it is long enough.
    private var hasDay: Bool {
        (1...12).contains { month in
            let length: UInt64 = month == 2 ? 29 : [4, 6, 9, 11].contains(month) ? 30 : 31
            return months & (1 << UInt64(month)) != 0 && daysOfMonth & ((2 << length) - 1) != 0
        }
    }

    func matches(_ day: CivilDay) -> Bool {
        guard months & (1 << UInt64(day.month)) != 0 else { return false }
        let isDayOfMonth = daysOfMonth & (1 << UInt64(day.day)) != 0
        let isDayOfWeek = daysOfWeek & (1 << UInt64(day.weekday)) != 0
        return isEitherDay ? isDayOfMonth || isDayOfWeek : isDayOfMonth && isDayOfWeek
    }

    /// The first minute of a day, counted from its midnight, that is not before `from`.
    func firstMinute(from: Int64) -> Int64? {
        var hour = from / 60
        var earliest = from % 60
        while hour < 24 {
            if hours & (1 << UInt64(hour)) != 0 {
                let rest = (minutes >> UInt64(earliest)) << UInt64(earliest)
                if rest != 0 { return hour * 60 + Int64(rest.trailingZeroBitCount) }
            }
            hour += 1
            earliest = 0
        }
        return nil
    }
}
