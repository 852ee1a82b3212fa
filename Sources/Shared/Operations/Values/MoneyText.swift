/// Money for people: exact to the millionth of a dollar, never through floating point.
package enum MoneyText {
    /// `$1.23`, `$1.2345`, `-$0.000001`: at least cents, and as many more places as the amount has.
    package static func dollars(_ microUSD: Int64) -> String {
        let (whole, rest) = microUSD.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        var places = String(rest)
        places = String(repeating: "0", count: 6 - places.count) + places
        while places.count > 2, places.hasSuffix("0") { places.removeLast() }
        return "\(microUSD < 0 ? "-" : "")$\(whole).\(places)"
    }
}
