import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

struct EstimateTests {
    @Test func `an estimate covers its prompt and every token that may be generated, and little more`() throws {
        var random = SplitMix64.seeded()
        for _ in 0..<20_000 {
            let price = ModelPrice(
                input: .random(in: 0...Self.magnitude(&random), using: &random),
                output: .random(in: 0...Self.magnitude(&random), using: &random))
            let terms = ModelTerms(
                model: "m", price: price, maxTokens: .random(in: 1...10_000_000, using: &random))
            let bytes = Int.random(in: 0...2_000_000, using: &random)
            var handlers = HandlerRegistry()
            handlers.register(
                "k", .init(PoolScriptedHandler { _ in .interrupted(.init(didStart: false)) }, model: terms))
            let estimate = try #require(handlers.terms["k"]?.price(bytes: bytes))
            let tokensIn = (bytes + 2) / 3
            let exact = try #require(price.cost(tokensIn: tokensIn, tokensOut: terms.maxTokens))
            // The token on top, a nano-dollar a byte, and a micro-dollar for each of the two roundings.
            let most =
                exact + (try #require(price.cost(tokensIn: 1, tokensOut: 0)))
                + MicroUSD(microdollars: Int64(bytes) / 1000 + 3)
            try #require(estimate >= exact && estimate <= most, "\(price) \(terms.maxTokens) \(bytes)")
            try #require(terms.tokens(hold: estimate, promptBytes: bytes) == terms.maxTokens)

            let hold = MicroUSD(microdollars: .random(in: 0...estimate.microdollars, using: &random))
            let tokens = terms.tokens(hold: hold, promptBytes: bytes)
            let spent = try #require(price.cost(tokensIn: tokensIn, tokensOut: tokens))
            try #require(tokens >= 1 && tokens <= terms.maxTokens)
            // Below the prompt's own cost nothing is left, and free tokens need no money.
            try #require(
                tokens == 1 || price.output == 0 || spent <= hold, "\(price) \(terms.maxTokens) \(bytes) \(hold)")
        }
    }

    /// Prices of every order of magnitude, from millionths of a dollar to $100 a million tokens.
    private static func magnitude(_ random: inout SplitMix64) -> Int64 {
        [1, 1000, 250_000, 3_000_000, 100_000_000].randomElement(using: &random) ?? 1
    }
}
