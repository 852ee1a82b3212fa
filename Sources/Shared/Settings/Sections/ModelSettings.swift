/// What a model's tokens cost. Both prices are in millionths of a dollar for a million tokens, rounded up past six
/// decimal places: $3 for a million is 3,000,000 here.
package struct ModelSettings: Sendable, Equatable {
    /// For what the model reads. Key `input_usd_per_million_tokens`.
    package var inputMicroUSDPerMillionTokens: Int64
    /// For what the model writes. Key `output_usd_per_million_tokens`.
    package var outputMicroUSDPerMillionTokens: Int64

    package init(inputMicroUSDPerMillionTokens: Int64, outputMicroUSDPerMillionTokens: Int64) {
        self.inputMicroUSDPerMillionTokens = inputMicroUSDPerMillionTokens
        self.outputMicroUSDPerMillionTokens = outputMicroUSDPerMillionTokens
    }
}

extension ModelSettings {
    /// The key the models stand under, each under its name.
    static let key = "models"
    /// Ten cents a token: more is a price for a thousand or a million tokens in the wrong place.
    private static let largestPriceMicroUSD: Int64 = 100_000 * 1_000_000

    /// The models that the block names. A model whose price is wrong is one of them: it is told of at its price, and
    /// not again at each handler that names it.
    static func named(in section: Section) -> [(name: String, field: Field)] {
        section.named("model", NameRule.modelRule, where: NameRule.isModel)
    }

    /// The prices; nil with mistakes noted. Both must be given: a price that isn't known is no price of zero.
    init?(_ field: Field) {
        let keys = ["input_usd_per_million_tokens", "output_usd_per_million_tokens"]
        guard let section = Section(field)?.knowing(keys) else { return nil }
        for key in keys where section[key] == nil {
            section.fail("has no \(key): add it, such as \"3\" (or \"0\" where these tokens cost nothing)")
        }
        let prices = keys.map { section[$0]?.microUSD(atMost: Self.largestPriceMicroUSD) }
        guard let input = prices[0], let output = prices[1] else { return nil }
        self.init(inputMicroUSDPerMillionTokens: input, outputMicroUSDPerMillionTokens: output)
    }

    var shown: ShownValue {
        .block([
            ("input_usd_per_million_tokens", .microUSD(inputMicroUSDPerMillionTokens)),
            ("output_usd_per_million_tokens", .microUSD(outputMicroUSDPerMillionTokens)),
        ])
    }
}
