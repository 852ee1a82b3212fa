/// A day of the Gregorian calendar, without a time zone.
struct CivilDay: Equatable {
    /// Days since 1970-01-01.
    let number: Int64
    let month: Int
    let day: Int

    /// 0 is Sunday.
    var weekday: Int { Int(((number + 4) % 7 + 7) % 7) }

    init(number: Int64) {
        self.number = number
        // Counted from March 1 of the year 0, in eras of 400 years, so that the leap day is the last of its year.
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
    }
}
