import Testing

@testable import WorkOrders

struct ModelPriceTests {
    /// $3 for a million tokens in, $15 out.
    private let sonnet = ModelPrice(input: 3_000_000, output: 15_000_000)
    /// $0.25 and $1.25.
    private let small = ModelPrice(input: 250_000, output: 1_250_000)

    @Test(arguments: [
        (0, 0, 0), (1, 0, 3), (0, 1, 15), (1000, 500, 10_500), (1_000_000, 1_000_000, 18_000_000),
    ])
    func `tokens cost their price`(tokensIn: Int, tokensOut: Int, expected: Int64) {
        #expect(sonnet.cost(tokensIn: tokensIn, tokensOut: tokensOut) == MicroUSD(microdollars: expected))
    }

    @Test(arguments: [(1, 0, 1), (4, 0, 1), (5, 0, 2), (0, 1, 2), (0, 4, 5), (1, 1, 2), (2, 2, 3), (3, 1, 2)])
    func `a part of a micro-dollar counts as a whole one, once for both sorts`(
        tokensIn: Int, tokensOut: Int, expected: Int64
    ) {
        #expect(small.cost(tokensIn: tokensIn, tokensOut: tokensOut) == MicroUSD(microdollars: expected))
    }

    @Test func `numbers no attempt can reach are refused, not wrapped`() {
        let greatest = ModelPrice(input: .max, output: .max)
        #expect(greatest.cost(tokensIn: .max, tokensOut: .max) == nil)
        #expect(greatest.cost(tokensIn: 0, tokensOut: 0) == .zero)
        #expect(ModelPrice(input: 0, output: 0).cost(tokensIn: .max, tokensOut: .max) == .zero)
        #expect(sonnet.cost(tokensIn: -1, tokensOut: 0) == nil)
        #expect(sonnet.cost(tokensIn: 0, tokensOut: .min) == nil)
        let one = ModelPrice(input: 1_000_000, output: 0)
        #expect(one.cost(tokensIn: 1_000_000_000_000_000, tokensOut: 0) == .limit)
        #expect(one.cost(tokensIn: 1_000_000_000_000_001, tokensOut: 0) == nil)
        #expect(ModelTerms(model: "m", price: greatest, maxTokens: .max).baseEstimate == .limit)
    }

    @Test(
        arguments: [(3_000_000, 1000), (250_000, 84), (3000, 1), (1, 1), (0, 0), (.max, 3_074_457_345_618_259)]
            as [(Int64, Int64)])
    func `a byte of a prompt is counted at a third of a token, rounded up`(input: Int64, expected: Int64) {
        #expect(ModelPrice(input: input, output: 0).nanoUSDPerByte == expected)
    }

    @Test(
        arguments: [
            // $0.02 is 20,000; the prompt of 300 bytes and a token 303; the rest 1,313.1 tokens at 15.
            (20_000, 300, 1313), (61_443 + 300, 300, 4096), (61_443 + 299, 300, 4095),
            (1_000_000_000_000_000, 300, 4096),
            (318, 300, 1), (333, 300, 2), (0, 0, 1), (-5, 0, 1), (100, 1_000_000, 1), (.max, .max, 1),
        ] as [(Int64, Int, Int)])
    func `what is left of a hold behind the prompt is for tokens`(hold: Int64, bytes: Int, expected: Int) {
        let terms = ModelTerms(model: "m", price: sonnet, maxTokens: 4096)
        #expect(terms.tokens(hold: MicroUSD(microdollars: hold), promptBytes: bytes) == expected)
    }

    @Test func `where tokens cost nothing, all may be generated`() {
        let terms = ModelTerms(model: "m", price: ModelPrice(input: 5, output: 0), maxTokens: 10)
        #expect(terms.tokens(hold: .zero, promptBytes: .max) == 10)
    }

    @Test(arguments: [
        Outcome.failed(AttemptFailure(.testFail, "red"), used), .snoozed(.zero, used), .interrupted(used),
    ])
    func `tokens are priced however the attempt ended`(outcome: Outcome) {
        let priced = outcome.priced(at: sonnet)
        #expect(priced.report.cost == MicroUSD(microdollars: 10_500))
        #expect("\(priced)".prefix(8) == "\(outcome)".prefix(8))
    }

    @Test func `what a handler says of its cost stands, and half of the tokens prices nothing`() {
        var report = used
        report.cost = MicroUSD(microdollars: 7)
        #expect(Outcome.completed(report).priced(at: sonnet).report == report)
        #expect(Outcome.completed(AttemptReport(didStart: true, tokensOut: 5)).priced(at: sonnet).report.cost == nil)
        #expect(Outcome.completed(AttemptReport(didStart: true, tokensIn: 5)).priced(at: sonnet).report.cost == nil)
        var never = used
        never.didStart = false
        #expect(Outcome.completed(never).priced(at: sonnet).report.cost == nil)
    }

    @Test func `tokens that can't be leave the work done and its cost presumed, and are told of`() throws {
        let absurd = AttemptReport(didStart: true, tokensIn: .max, tokensOut: 0)
        guard case .completed(let report) = Outcome.completed(absurd).priced(at: sonnet) else {
            Issue.record("it was not completed")
            return
        }
        #expect(report.cost == nil)
        #expect(report.unread?.words.contains("tokens") == true)
        guard case .interrupted = Outcome.interrupted(absurd).priced(at: sonnet) else {
            Issue.record("an interrupted attempt is interrupted")
            return
        }
    }
}

private let used = AttemptReport(didStart: true, tokensIn: 1000, tokensOut: 500)
