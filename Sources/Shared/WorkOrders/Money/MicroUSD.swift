package import FoundationEssentials

/// An amount of money in millionths of a US dollar. Never floating point: sums are exact.
package struct MicroUSD: Hashable, Comparable, Sendable {
    /// Millionths of a dollar; $1.00 is 1,000,000.
    package let microdollars: Int64

    package static let zero = MicroUSD(microdollars: 0)
    /// The largest amount one work order may name: a billion dollars. More is a mistake, not a price.
    package static let limit = MicroUSD(microdollars: 1_000_000_000_000_000)

    package init(microdollars: Int64) { self.microdollars = microdollars }

    /// Parses a plain decimal such as `12`, `0.05` or `3.1415927`; what lies beyond six places is rounded up, so that
    /// an estimate never understates.
    /// - Returns: nil for anything else: a sign, an exponent, blanks, an empty text, or more than ``limit``.
    package init?(decimal text: some StringProtocol) {
        var micro: Int64 = 0
        var places = -1
        var digits = 0
        var roundsUp = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if places >= 6 {
                    roundsUp = roundsUp || byte != UInt8(ascii: "0")
                    continue
                }
                guard micro <= Self.limit.microdollars else { return nil }
                micro = micro * 10 + Int64(byte - UInt8(ascii: "0"))
                if places >= 0 { places += 1 }
            case UInt8(ascii: ".") where places < 0 && digits > 0:
                places = 0
            default:
                return nil
            }
        }
        guard digits > 0, places != 0 else { return nil }
        for _ in max(places, 0)..<6 {
            guard micro <= Self.limit.microdollars else { return nil }
            micro *= 10
        }
        if roundsUp { micro += 1 }
        guard micro <= Self.limit.microdollars else { return nil }
        microdollars = micro
    }

    /// Rounds a decimal number up to the next millionth; nil when it is negative, not a number or beyond ``limit``.
    package init?(_ number: Decimal) {
        guard number.isFinite else { return nil }
        // A decimal describes itself in plain digits, without an exponent.
        self.init(decimal: number.description)
    }

    package static func < (left: MicroUSD, right: MicroUSD) -> Bool { left.microdollars < right.microdollars }
    package static func + (left: MicroUSD, right: MicroUSD) -> MicroUSD {
        MicroUSD(microdollars: left.microdollars + right.microdollars)
    }
    package static func - (left: MicroUSD, right: MicroUSD) -> MicroUSD {
        MicroUSD(microdollars: left.microdollars - right.microdollars)
    }
}

extension MicroUSD: CustomStringConvertible {
    /// Plain dollars with at least two and at most six places: `12.00`, `0.000125`.
    package var description: String {
        let magnitude = microdollars.magnitude
        var fraction = String(magnitude % 1_000_000)
        fraction = String(repeating: "0", count: 6 - fraction.count) + fraction
        while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
        return "\(microdollars < 0 ? "-" : "")\(magnitude / 1_000_000).\(fraction)"
    }
}
