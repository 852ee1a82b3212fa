import Testing

@testable import Settings

@Suite struct PriceProblemTests {
    /// A file with a model `small`, a free handler `free`, and one more handler of this text.
    private func found(_ handler: String) -> [String] {
        problems(
            in: """
                models:
                  small: {input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 2}
                handlers:
                  free: {command: {argv: [a]}, free: true}
                  priced: {command: {argv: [a]}, model: small, max_tokens: 5, economy: free}
                  echo: {command: {argv: [a]}, \(handler)}
                """
        )
    }

    @Test(arguments: [
        (
            "model: samll, max_tokens: 5", "6:39: handlers.echo.model names a model that has no price",
            "did you mean small?"
        ),
        ("model: huge, max_tokens: 5", "6:39: handlers.echo.model names a model that has no price", "add it to models"),
        ("model: [small], max_tokens: 5", "6:39: handlers.echo.model should be the name of a model", ""),
        ("model: small", "6:9: handlers.echo has a model and no max_tokens", "generate"),
        ("max_tokens: 5, free: true", "6:9: handlers.echo has max_tokens and no model", "models"),
        ("max_tokens: 5, default_estimate_usd: 1", "handlers.echo has max_tokens and no model", "models"),
        ("model: small, max_tokens: 0", "handlers.echo.max_tokens is out of range", "from 1 to 10000000"),
        ("model: small, max_tokens: 10000001", "handlers.echo.max_tokens is out of range", "tokens"),
        ("model: small, max_tokens: 5, default_estimate_usd: 1", "both default_estimate_usd and model", "keep one"),
        ("model: small, max_tokens: 5, free: true", "both model and free: true", "keep one"),
        ("free: true, economy: echo", "6:53: handlers.echo.economy names the handler itself", "leave it out"),
        ("free: true, economy: fre", "handlers.echo.economy names a kind that has no handler", "did you mean free?"),
        ("free: true, economy: priced", "handlers.echo.economy names a handler that has an economy", "name the last"),
        ("free: true, economy: [priced]", "handlers.echo.economy should be the kind of another handler", ""),
    ])
    func `a mistake is named once, with what to do`(handler: String, message: String, hint: String) {
        let found = found(handler)
        #expect(found.count == 1, "\(found)")
        #expect(
            found.first?.contains(message) == true && found.first?.contains(hint) != false || hint.isEmpty, "\(found)")
    }

    @Test(arguments: ["model: small, max_tokens: 10000000", "model: small, max_tokens: 1, free: false, economy: free"])
    func `what is right is accepted`(handler: String) {
        #expect(found(handler) == [])
    }

    @Test func `two handlers that name each other are both told`() {
        let found = problems(
            in: """
                handlers:
                  a: {command: {argv: [a]}, free: true, economy: b}
                  b: {command: {argv: [a]}, free: true, economy: a}
                """
        )
        #expect(found.count == 2, "\(found)")
        #expect(found.allSatisfy { $0.contains("an economy of its own") }, "\(found)")
    }

    @Test(arguments: [
        ("{m: {input_usd_per_million_tokens: 1}}", "models.m has no output_usd_per_million_tokens"),
        ("{m: {output_usd_per_million_tokens: 1}}", "models.m has no input_usd_per_million_tokens"),
        ("{m: {input_usd_per_million_tokens: 1, output_usd_per_million_tokens: -1}}", "an amount of US dollars"),
        ("{m: {input_usd_per_million_tokens: 100001, output_usd_per_million_tokens: 1}}", "out of range"),
        ("{m: {inputs_usd_per_million_tokens: 1}}", "did you mean input_usd_per_million_tokens?"),
        ("{m: 5}", "should be a block of keys"), ("{\"a b\": {}}", "no name of a model"),
        ("{\"ü\": {}}", "no name of a model"), ("[m]", "should be a block of keys"),
    ])
    func `a price that isn't whole is refused`(models: String, message: String) {
        let found = problems(in: "models: \(models)")
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test func `a model whose price is wrong is told of there, not at each handler that names it`() {
        let found = problems(
            in: "models: {m: {}}\nhandlers: {echo: {command: {argv: [a]}, model: m, max_tokens: 5}}"
        )
        #expect(found.count == 2 && found.allSatisfy { $0.contains("models.m has no ") }, "\(found)")
    }

    @Test(arguments: [("claude-sonnet-4.5", true), ("meta-llama/Llama-3:8B@v1", true), ("-m", false), ("", false)])
    func `models have names that fit into headers`(name: String, isName: Bool) {
        #expect(NameRule.isModel(name) == isName)
        #expect(!NameRule.isModel(String(repeating: "m", count: 101)))
    }
}
