import Testing

@testable import Settings

struct KindRetryTests {
    private static let file = """
        retry: {base_seconds: 1, cap_seconds: 10}
        handlers:
          usual: {command: {argv: [a]}, free: true}
          patient: {command: {argv: [a]}, free: true, retry: {cap_seconds: 3600}, max_attempts: 50}
          own: {command: {argv: [a]}, free: true, retry: {base_seconds: 0.5, cap_seconds: 0.5}}
        """

    @Test func `a kind's own waits go before those of all kinds, key by key`() throws {
        let settings = try Settings.parse(Self.file, file: nil, environment: [:])
        #expect(settings.handlers["usual"]?.retry == nil)
        #expect(settings.handlers["patient"]?.retry?.base == .seconds(1))
        #expect(settings.handlers["patient"]?.retry?.cap == .seconds(3600))
        #expect(settings.handlers["own"]?.retry?.base == .milliseconds(500))
        #expect(settings.handlers["own"]?.retry?.cap == .milliseconds(500))
    }

    @Test func `what is shown is what is in force`() throws {
        let settings = try Settings.parse(Self.file, file: nil, environment: [:])
        #expect(try Settings.parse(settings.description, file: nil, environment: [:]).handlers == settings.handlers)
    }
}
