/// The model that a handler calls, and how much one attempt may have it generate.
package struct ModelTerms: Sendable, Equatable {
    package let model: String
    package let price: ModelPrice
    /// The most tokens that an attempt may generate; from 1.
    package let maxTokens: Int

    package init(model: String, price: ModelPrice, maxTokens: Int) {
        self.model = model
        self.price = price
        self.maxTokens = max(1, maxTokens)
    }

    /// The part of an estimate that doesn't depend on the prompt: all tokens that may be generated, and one that is
    /// read, because a prompt's last token may have fewer bytes. Clamped to ``MicroUSD/limit``, which fits no budget.
    package var baseEstimate: MicroUSD { price.cost(tokensIn: 1, tokensOut: maxTokens) ?? .limit }

    /// What an attempt may generate with the money that is held for it: what is left behind the prompt, at most
    /// ``maxTokens``, at least 1. The whole of ``maxTokens`` where the hold is the estimate of the same prompt.
    package func tokens(hold: MicroUSD, promptBytes: Int) -> Int {
        guard price.output > 0 else { return maxTokens }
        let prompt = Int128(price.input) + Int128(price.nanoUSDPerByte) * 1000 * Int128(promptBytes)
        let tokens = (Int128(hold.microdollars) * 1_000_000 - prompt) / Int128(price.output)
        return Int(max(1, min(tokens, Int128(maxTokens))))
    }
}
