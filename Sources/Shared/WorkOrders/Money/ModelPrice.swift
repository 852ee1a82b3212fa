/// What the tokens of a model cost. Exact: products are 128 bits wide, which no number of tokens overflows.
package struct ModelPrice: Sendable, Equatable {
    /// The bytes of ordinary text that are at least one token: English has about four, code and most other languages
    /// three. A prompt is counted by this before it is sent; what it really was, the handler reports afterwards.
    package static let bytesPerToken = 3

    /// Millionths of a dollar for a million tokens that the model reads; not negative.
    package let input: Int64
    /// The same for those it writes.
    package let output: Int64

    package init(input: Int64, output: Int64) {
        self.input = input
        self.output = output
    }

    /// The cost of so many tokens, rounded up; nil for a negative number, or beyond ``MicroUSD/limit``.
    package func cost(tokensIn: Int, tokensOut: Int) -> MicroUSD? {
        guard tokensIn >= 0, tokensOut >= 0 else { return nil }
        let millionths = Int128(tokensIn) * Int128(input) + Int128(tokensOut) * Int128(output)
        let (whole, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        let cost = rest > 0 ? whole + 1 : whole
        return cost <= Int128(MicroUSD.limit.microdollars) ? MicroUSD(microdollars: Int64(cost)) : nil
    }

    /// What a byte of a prompt is counted at, in billionths of a dollar, rounded up.
    package var nanoUSDPerByte: Int64 {
        let divisor = 1000 * Int64(Self.bytesPerToken)
        return input / divisor + (input % divisor > 0 ? 1 : 0)
    }
}
