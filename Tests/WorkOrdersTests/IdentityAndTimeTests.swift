import FoundationEssentials
import TestSupport
import Testing
import WorkOrders

struct IdentityAndTimeTests {
    @Test func `a later id sorts later, as text and as bytes`() {
        var generator = SplitMix64(seed: 9)
        var times: [UInt64] = (0..<2000).map { _ in UInt64.random(in: 0..<(1 << 48), using: &generator) }
        times = Array(Set(times)).sorted()
        let ids = times.map { UUID.timeOrdered(milliseconds: $0) }
        #expect(ids.map(\.uuidString) == ids.map(\.uuidString).sorted())
    }

    @Test func `an id says version 7 and carries its time`() {
        let id = UUID.timeOrdered(milliseconds: 0x0193_C2D4_7A00)
        let text = id.uuidString
        #expect(text.hasPrefix("0193C2D4-7A00-7"))
        let variant = text[text.index(text.startIndex, offsetBy: 19)]
        #expect("89AB".contains(variant))
    }

    @Test func `ids of one millisecond differ`() {
        let ids = Set((0..<10_000).map { _ in UUID.timeOrdered(milliseconds: 1_769_860_800_000) })
        #expect(ids.count == 10_000)
    }

    @Test(arguments: [
        ("2026-01-31T12:00:00Z", 1_769_860_800.0), ("2026-01-31T12:00:00.25Z", 1_769_860_800.25),
        ("2026-01-31T14:00:00+02:00", 1_769_860_800.0), ("2026-01-31T06:30:00-05:30", 1_769_860_800.0),
        ("1970-01-01T00:00:00Z", 0), ("2024-02-29T00:00:00Z", 1_709_164_800),
        ("2000-02-29T23:59:60z", 951_868_800), ("1969-12-31t23:59:59.5Z", -0.5),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("0001-01-01T00:00:00Z", -62_135_596_800), ("2026-01-31T12:00:00.1234567891234Z", 1_769_860_800.123456789),
    ])
    func `an RFC 3339 time is read with any offset and fraction`(text: String, seconds: Double) {
        #expect(Date(rfc3339: text) == Date(timeIntervalSince1970: seconds))
    }

    @Test(arguments: [
        "", "tomorrow", "2026-01-31", "2026-01-31T12:00:00", "12:00:00Z", "1769860800", "2026-13-01T00:00:00Z",
        "2026-01-31T25:00:00Z", "2026-01-31T12:00:00Z and more", " 2026-01-31T12:00:00Z", "2026-01-31T12:61:00Z",
        "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-31T12:00:61Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+0200",
        "2026-01-31 12:00:00Z", "+2026-01-31T12:00:00Z", "２026-01-31T12:00:00Z",
    ])
    func `what is not an RFC 3339 time is refused`(text: String) {
        #expect(Date(rfc3339: text) == nil)
    }

    @Test func `a time survives being written and read again, to the millisecond`() throws {
        var generator = SplitMix64(seed: 11)
        for _ in 0..<2_000 {
            let date = Date(
                timeIntervalSince1970: Double(Int.random(in: 0...4_000_000_000_000, using: &generator)) / 1000)
            let again = try #require(Date(rfc3339: date.rfc3339))
            #expect(abs(again.timeIntervalSince(date)) < 0.0015)
        }
    }
}
