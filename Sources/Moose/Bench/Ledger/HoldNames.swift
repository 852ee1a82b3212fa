internal import FoundationEssentials
internal import LedgerClient
internal import WorkOrders

/// Names of holds that rise with time, as those of real services do, at next to no cost: a measurement of the ledger
/// must not measure the system's source of random numbers.
struct HoldNames {
    /// Random, so that no two processes meet.
    private let process = UInt64.random(in: .min ... .max) & 0x3FFF_FFFF_FF00_0000
    private var made: UInt64 = 0
    private var milliseconds: UInt64 = 0

    /// Reads the clock, for the names that follow.
    mutating func tick() { milliseconds = UInt64(max(0, Date().timeIntervalSince1970 * 1000)) }

    mutating func next() -> HoldName {
        made += 1
        // Version 7: time, then the count (12 bits of it before the variant), then the process.
        let high = (milliseconds << 16) | 0x7000 | (made >> 24 & 0xFFF)
        let low = 0x8000_0000_0000_0000 | process | (made & 0xFF_FFFF)
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        return HoldName(
            owner: UUID(
                uuid: (
                    byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
                    byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                    byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                    byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
                )), token: 0)
    }
}
