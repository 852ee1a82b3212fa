import FoundationEssentials
import Settings
import Store
import Testing
import WorkOrders
import Worker

@testable import Moose

@Suite struct PriceTests {
    private func lines(_ text: String, kinds: Set<String>) -> OrderLines {
        OrderLines(Array(text.utf8), lane: "default", limit: 1_000_000, kinds: kinds)
    }

    @Test func `an order without a price is named by its line before anything is published`() throws {
        let orders = """
            {"kind":"lint","title":"t"}
            {"kind":"lnit","title":"t"}

            {"kind":"lnit","title":"t","estimated_cost_usd":"0"}
            {"kind":"review","title":"t","estimated_cost_usd":null}
            """
        let lines = lines(orders, kinds: ["lint"])
        #expect(lines.messages.count == 2 && lines.ids.count == 2)
        #expect(lines.problems.map(\.line) == [2, 5])
        #expect(lines.problems.allSatisfy { $0.problem.reason == .unknownPrice })
        #expect(lines.problems.first?.problem.explanation.contains("lnit") == true)
    }

    @Test func `a configuration without handlers leaves the price to the workers`() {
        let lines = lines(#"{"kind":"lint","title":"t"}"#, kinds: [])
        #expect(lines.messages.count == 1 && lines.problems.isEmpty)
    }

    @Test func `every way to name a cost in moose yaml reaches the claim`() throws {
        let settings = try Settings.parse(
            """
            models:
              sonnet: {input_usd_per_million_tokens: "3", output_usd_per_million_tokens: "15"}
            handlers:
              review: {command: {argv: [a]}, model: sonnet, max_tokens: 4096, economy: fixed, timeout_seconds: 7}
              fixed: {command: {argv: [a]}, default_estimate_usd: "0.05", max_attempts: 2}
              gratis: {command: {argv: [a]}, free: true}
            """, file: nil, environment: [:])
        var handlers = HandlerRegistry()
        for (kind, handler) in settings.handlers {
            handlers.register(kind, .init(Nothing(), handler, models: settings.models))
        }
        #expect(
            handlers.terms == [
                "review": KindTerms(
                    estimate: MicroUSD(microdollars: 61_443), nanoUSDPerByte: 1000, model: "sonnet", economy: "fixed"),
                "fixed": KindTerms(estimate: MicroUSD(microdollars: 50_000)),
                "gratis": KindTerms(estimate: .zero),
            ])
        #expect(handlers["review"]?.model?.maxTokens == 4096)
        #expect(handlers["review"]?.timeout == .seconds(7))
        #expect(handlers["fixed"]?.maxAttempts == 2)
    }
}

private struct Nothing: WorkHandler {
    func run(_ job: Job) async -> Outcome { .interrupted(AttemptReport(didStart: false)) }
}
