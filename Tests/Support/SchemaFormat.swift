/// The formats of a JSON Schema that Moose uses, read from their standards and not from Moose's code.
enum SchemaFormat {
    /// RFC 9562, section 4: hexadecimal digits in groups.
    static func isUUID(_ text: String) -> Bool {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return groups.map(\.count) == [8, 4, 4, 4, 12]
            && groups.joined().allSatisfy { Unicode.Scalar($0).properties.isASCIIHexDigit }
    }

    /// RFC 3339, section 5.6, with the days each month has. A leap second may be named anywhere: which ones there are
    /// is no matter of format.
    static func isDateTime(_ text: String) -> Bool {
        let shape = /(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+\-](\d\d):(\d\d))/
            .asciiOnlyDigits().matchingSemantics(.unicodeScalar)
        guard let match = text.wholeMatch(of: shape)?.output else { return false }
        func number(_ digits: Substring?) -> Int { digits.flatMap { Int($0) } ?? 0 }
        let (year, month) = (number(match.1), number(match.2))
        let isLeapYear = year.isMultiple(of: 400) || (year.isMultiple(of: 4) && !year.isMultiple(of: 100))
        let days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return days.indices.contains(month - 1) && (1...days[month - 1]).contains(number(match.3))
            && number(match.4) < 24 && number(match.5) < 60 && number(match.6) <= 60 && number(match.7) < 24
            && number(match.8) < 60
    }
}
