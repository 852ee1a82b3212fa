/// Exact decimal numbers, straight from their text: binary floating point can't hold a tenth of a cent.
package enum DecimalText {
    /// Why a text is no amount.
    package enum Failure: Error, Sendable, Equatable {
        /// Not of the form `12` or `12.34`: a sign, a currency, an exponent or a group separator, for example.
        case malformed
        /// More than 9,223,372,036,854 whole units.
        case tooLarge
    }

    /// The amount in millionths, rounded up past six decimal places, so that an estimate is never too small.
    package static func millionths(_ text: String) throws(Failure) -> Int64 {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, whole.allSatisfy(isDigit) else { throw .malformed }
        var fraction = Substring().utf8
        if parts.count == 2 {
            fraction = parts[1]
            guard !fraction.isEmpty, fraction.allSatisfy(isDigit) else { throw .malformed }
        }
        var value: Int64 = 0
        for digit in whole { value = try appending(digit, to: value) }
        let places = fraction.prefix(6)
        for digit in places { value = try appending(digit, to: value) }
        for _ in places.count..<6 { value = try appending(UInt8(ascii: "0"), to: value) }
        guard fraction.dropFirst(6).contains(where: { $0 != UInt8(ascii: "0") }) else { return value }
        let (rounded, overflows) = value.addingReportingOverflow(1)
        if overflows { throw .tooLarge }
        return rounded
    }

    /// The shortest text of an amount in millionths: 1500000 is "1.5".
    package static func text(millionths value: Int64) -> String {
        let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let sign = value < 0 ? "-" : ""
        if rest == 0 { return "\(sign)\(whole)" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(sign)\(whole).\(digits)"
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func appending(_ digit: UInt8, to value: Int64) throws(Failure) -> Int64 {
        let (tens, tooManyTens) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflows) = tens.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
        if tooManyTens || overflows { throw .tooLarge }
        return sum
    }
}
