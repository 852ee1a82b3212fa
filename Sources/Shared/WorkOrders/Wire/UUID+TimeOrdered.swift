package import FoundationEssentials

extension UUID {
    /// A version 7 UUID (RFC 9562): 48 bits of milliseconds since 1970, then random bits. Ids made later sort later,
    /// which keeps the database's indexes dense.
    /// - Parameter milliseconds: the time it carries; now by default.
    package static func timeOrdered(
        milliseconds: UInt64 = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
    ) -> UUID {
        let high = (milliseconds << 16) | 0x7000 | UInt64.random(in: 0...0x0FFF)
        let low = 0x8000_0000_0000_0000 | (UInt64.random(in: .min ... .max) >> 2)
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        return UUID(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
                byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            ))
    }
}
