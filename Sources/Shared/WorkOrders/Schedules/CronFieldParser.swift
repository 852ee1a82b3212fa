/// Reads one field of a cron expression into the set of its numbers.
struct CronFieldParser {
    let field: CronField

    /// A bit for each number; Sunday is bit 0 only.
    func parse(_ text: Substring) throws(CronError) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard !part.isEmpty else { throw CronError(field, text, "an entry of the list is missing") }
            bits |= try entry(part)
        }
        if field == .dayOfWeek, bits & (1 << 7) != 0 { bits = (bits | 1) & 0x7F }
        return bits
    }

    private func entry(_ text: Substring) throws(CronError) -> UInt64 {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { throw CronError(field, text, "only one step can follow a range") }
        let range: ClosedRange<Int>
        if halves[0] == "*" {
            range = field == .dayOfWeek ? 0...6 : field.range
        } else {
            range = try self.range(halves[0])
            guard halves.count == 1 || halves[0].contains("-") else {
                throw CronError(
                    field, text, "a step needs a range: write \(halves[0])-\(field.range.upperBound)/\(halves[1])")
            }
        }
        var step = 1
        if halves.count == 2 {
            guard let number = Self.number(halves[1]), number >= 1 else {
                throw CronError(field, text, "the step behind / must be a whole number from 1 on")
            }
            guard number <= field.range.upperBound else {
                throw CronError(
                    field, text, "the step is longer than the field, which ends at \(field.range.upperBound)")
            }
            step = number
        }
        return stride(from: range.lowerBound, through: range.upperBound, by: step).reduce(0) { $0 | 1 << UInt64($1) }
    }

    private func range(_ text: Substring) throws(CronError) -> ClosedRange<Int> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, ends.count == 1 || !ends.contains("") else {
            throw CronError(
                field, text, "a range has two ends, such as \(field.range.lowerBound)-\(field.range.upperBound)")
        }
        let first = try value(ends[0])
        guard ends.count == 2 else { return first...first }
        var last = try value(ends[1])
        // fri-sun ends with the week.
        if field == .dayOfWeek, last == 0, first > 0 { last = 7 }
        guard first <= last else {
            throw CronError(
                field, text,
                "the range goes backwards; write \(ends[0])-\(field.range.upperBound),"
                    + "\(field.range.lowerBound)-\(ends[1])")
        }
        return first...last
    }

    private func value(_ text: Substring) throws(CronError) -> Int {
        if let index = field.names.firstIndex(of: text.lowercased()) { return index + field.range.lowerBound }
        guard let number = Self.number(text) else {
            let names = field.names.isEmpty ? "" : ", or \(field.names[0]) to \(field.names[field.names.count - 1])"
            throw CronError(
                field, text,
                "expected *, or numbers from \(field.range.lowerBound) to \(field.range.upperBound)\(names)")
        }
        guard field.range.contains(number) else {
            throw CronError(
                field, text, "it is not between \(field.range.lowerBound) and \(field.range.upperBound)")
        }
        return number
    }

    /// One to four ASCII digits.
    private static func number(_ text: Substring) -> Int? {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
