import FoundationEssentials
import TestSupport
import Testing
import WorkOrders

struct MicroUSDTests {
    @Test(arguments: [
        ("0", 0), ("0.05", 50_000), ("12", 12_000_000), ("12.5", 12_500_000), ("007", 7_000_000),
        ("0.000001", 1), ("0.000000", 0), ("1000000000", 1_000_000_000_000_000),
        ("1000000000.000000000", 1_000_000_000_000_000),
    ])
    func `a plain decimal is read exactly`(text: String, micro: Int64) {
        #expect(MicroUSD(decimal: text) == MicroUSD(microdollars: micro))
    }

    @Test(arguments: [
        ("0.0000001", 1), ("0.0000010", 1), ("0.00000100000000000001", 2), ("3.1415927", 3_141_593),
        ("0.9999999", 1_000_000),
    ])
    func `what lies beyond six places is rounded up, never down`(text: String, micro: Int64) {
        #expect(MicroUSD(decimal: text) == MicroUSD(microdollars: micro))
    }

    @Test(arguments: [
        "", " ", ".", "1.", ".5", "-1", "+1", "1e3", "1E3", "0x10", "1,5", "1 ", " 1", "1.2.3", "NaN", "inf", "١",
        "1_000",
        "$1", "1\0", "1000000000.0000001", "1000000001", "99999999999999999999999999999999999999999999",
    ])
    func `anything but a plain decimal within the limit is refused`(text: String) {
        #expect(MicroUSD(decimal: text) == nil)
    }

    @Test(arguments: [
        ("1e-05", 10), (".00001", 10), ("+0.00001", 10), ("1.5e-05", 15), ("1E+2", 100_000_000), ("5.", 5_000_000),
        (" 0.05\t\n", 50_000), ("\u{FEFF}0.05", 50_000), ("\u{A0}0.05\u{FEFF} ", 50_000), ("-0", 0), ("-0.000", 0),
        ("0e99", 0),
        ("1e-07", 1), ("1.0000001", 1_000_001), ("1e-999999999999999999999", 1), ("0.1e-400", 1),
        ("00012.50", 12_500_000),
        ("1e9", 1_000_000_000_000_000), ("1000000000", 1_000_000_000_000_000),
        ("100000000000e-2", 1_000_000_000_000_000),
        ("0.00000000000000000000000000000000000000000001e44", 1_000_000),
    ])
    func `what something cost is read exactly in every form that says it`(text: String, micro: Int64) {
        #expect(MicroUSD(reported: text) == MicroUSD(microdollars: micro))
    }

    @Test(arguments: [
        "", " ", ".", "e5", "1e", "1e+", "0.01, 5", "0,01", "-1", "-1e-99", "NaN", "inf", "0x1", "$1", "1 USD", "1_000",
        "1.2.3",
        "--1", "+-1", "1e5.5", "1000000000.0000001", "1e10", "1e999999999999999999999", "١", "1\0", "1 2",
    ])
    func `where nobody can tell what something cost there is no amount`(text: String) {
        #expect(MicroUSD(reported: text) == nil)
    }

    @Test func `a plain amount is the same in every form`() {
        var generator = SplitMix64(seed: 21)
        for _ in 0..<20_000 {
            let amount = MicroUSD(microdollars: Int64.random(in: 0...MicroUSD.limit.microdollars, using: &generator))
            let shift = Int.random(in: -30...30, using: &generator)
            let forms = [
                amount.description, "+" + amount.description, "\(amount.microdollars)e-6",
                amount.microdollars.description + String(repeating: "0", count: abs(shift)) + "E-\(6 + abs(shift))",
            ]
            for form in forms { #expect(MicroUSD(reported: form) == amount, "\(form)") }
        }
    }

    @Test func `every amount survives being printed and read again`() {
        var generator = SplitMix64(seed: 20_260_131)
        for _ in 0..<20_000 {
            let digits = Int64.random(in: 0...15, using: &generator)
            let bound = (0..<digits).reduce(Int64(1)) { power, _ in power * 10 }
            let amount = MicroUSD(microdollars: Int64.random(in: 0...bound, using: &generator))
            #expect(MicroUSD(decimal: amount.description) == amount)
        }
    }

    @Test func `a text of any digits agrees with a slow reading of it`() {
        var generator = SplitMix64(seed: 7)
        for _ in 0..<20_000 {
            let whole = (0..<Int.random(in: 1...11, using: &generator)).map { _ in
                Int.random(in: 0...9, using: &generator)
            }
            let places = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                Int.random(in: 0...9, using: &generator)
            }
            let text = whole.map(String.init).joined() + (places.isEmpty ? "" : "." + places.map(String.init).joined())
            let padded = places + Array(repeating: 0, count: 9)
            let kept = (whole + padded.prefix(6)).reduce(Int64(0)) { $0 * 10 + Int64($1) }
            let expected = kept + (padded.dropFirst(6).contains { $0 != 0 } ? 1 : 0)
            let parsed = MicroUSD(decimal: text)?.microdollars
            #expect(parsed == (expected > MicroUSD.limit.microdollars ? nil : expected), "\(text)")
        }
    }

    @Test(arguments: [
        (0, "0.00"), (1, "0.000001"), (125, "0.000125"), (12_000_000, "12.00"), (12_500_000, "12.50"),
        (-1, "-0.000001"),
        (-2_500_000, "-2.50"), (Int64.min, "-9223372036854.775808"), (Int64.max, "9223372036854.775807"),
    ])
    func `it prints plain dollars with two to six places`(micro: Int64, text: String) {
        #expect(MicroUSD(microdollars: micro).description == text)
    }

    @Test(arguments: [
        ("0.1", 100_000), ("1e-7", 1), ("1e-100", 1), ("1e9", 1_000_000_000_000_000), ("3.1415927", 3_141_593),
    ])
    func `a decimal number is rounded up to the next millionth`(text: String, micro: Int64) throws {
        let number = try #require(Decimal(string: text))
        #expect(MicroUSD(number) == MicroUSD(microdollars: micro))
    }

    @Test func `a negative, endless or absurd number is no amount`() throws {
        #expect(MicroUSD(Decimal(-1)) == nil)
        #expect(MicroUSD(try #require(Decimal(string: "-0.0000001"))) == nil)
        #expect(MicroUSD(Decimal.nan) == nil)
        #expect(MicroUSD(try #require(Decimal(string: "1e100"))) == nil)
        #expect(MicroUSD(Decimal.greatestFiniteMagnitude) == nil)
    }

    @Test func `sums and differences are exact and ordered`() {
        var sum = MicroUSD.zero
        for _ in 0..<1_000_000 { sum = sum + MicroUSD(microdollars: 100_000) }
        #expect(sum == MicroUSD(decimal: "100000"))
        #expect(MicroUSD.zero - sum < .zero)
        #expect(MicroUSD.limit + .limit > .limit)
    }
}
