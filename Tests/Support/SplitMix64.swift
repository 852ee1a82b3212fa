internal import FoundationEssentials

/// A small seeded generator for property tests: the same seed gives the same test on every machine.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// Repeats a failure: run again with `MOOSE_TEST_SEED` set to it.
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// Takes the seed from `MOOSE_TEST_SEED`, else from the system, and prints it.
    package static func seeded(for test: String = #function) -> SplitMix64 {
        let wanted = ProcessInfo.processInfo.environment["MOOSE_TEST_SEED"].flatMap { text in UInt64(text) }
        let seed = wanted ?? UInt64.random(in: .min ... .max)
        print("\(test): MOOSE_TEST_SEED=\(seed)")
        return SplitMix64(seed: seed)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
