import Testing

@testable import Settings

/// What `handlers` may say of limits.
@Suite struct FlowSettingsTests {
    private func file(_ flow: String) -> String { "handlers: {echo: {command: {argv: [a]}, free: true, \(flow)}}\n" }

    @Test func `limits are read, and shown as they were written`() throws {
        let section = file("concurrency: 20, rate: 100/minute, key_concurrency: 2")
        #expect(problems(in: section) == [])
        let settings = try Settings.parse(section, file: "moose.yaml", environment: [:])
        #expect(
            settings.handlers["echo"]?.flow
                == FlowSettings(concurrency: 20, rate: StartRate(count: 100, seconds: 60), keyConcurrency: 2))
        for line in ["concurrency: 20", #"rate: "100/minute""#, "key_concurrency: 2"] {
            #expect(settings.description.contains(line), "\(settings)")
        }
        #expect(
            try Settings.parse(file("timeout_seconds: 5"), file: "moose.yaml", environment: [:])
                .handlers["echo"]?.flow == FlowSettings())
    }

    @Test(arguments: [
        ("concurrency: 0", "handlers.echo.concurrency is out of range"),
        ("concurrency: many", "handlers.echo.concurrency should be a whole number"),
        ("key_concurrency: -1", "handlers.echo.key_concurrency is out of range"),
        ("rate: 100", "handlers.echo.rate should be a rate such as 100/minute"),
        ("rate: 0/minute", "handlers.echo.rate should be a rate such as 100/minute"),
        ("rate: 1.5/second", "handlers.echo.rate should be a rate such as 100/minute"),
        ("rate: 100/fortnight", "handlers.echo.rate should be a rate such as 100/minute"),
        ("rate: [1]", "handlers.echo.rate should be a rate such as 100/minute"),
        ("rates: 1/second", "did you mean rate?"),
    ])
    func `a mistake is named once, with what to do`(flow: String, message: String) {
        let found = problems(in: file(flow))
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test(arguments: ["1/second", "1000000/hour", "60/minute"])
    func `a rate is written as it is read`(text: String) {
        #expect(StartRate(text)?.description == text)
    }
}
