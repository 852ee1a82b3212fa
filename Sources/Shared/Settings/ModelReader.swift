/// Reads one entry of `models`.
struct ModelReader {
    /// Ten cents a token: more is a price for a thousand or a million tokens in the wrong place.
    static let largestPriceMicroUSD: Int64 = 100_000 * 1_000_000

    /// The prices; nil with mistakes noted. Both must be given: a price that isn't known is no price of zero.
    static func read(_ field: Field) -> ModelSettings? {
        let keys = ["input_usd_per_million_tokens", "output_usd_per_million_tokens"]
        guard let section = Section(field)?.knowing(keys) else { return nil }
        for key in keys where section[key] == nil {
            section.fail("has no \(key): add it, such as \"3\" (or \"0\" where these tokens cost nothing)")
        }
        let prices = keys.map { section[$0]?.microUSD(atMost: largestPriceMicroUSD) }
        guard let input = prices[0], let output = prices[1] else { return nil }
        return ModelSettings(inputMicroUSDPerMillionTokens: input, outputMicroUSDPerMillionTokens: output)
    }
}
