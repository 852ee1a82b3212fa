import Operations
import Postgres
import Testing

@testable import Moose

/// How what an operation refuses reaches a person and a script.
struct OperationErrorTests {
    @Test(arguments: [
        (OperationError.Kind.notFound, ExitStatus.refused.rawValue), (.refused, ExitStatus.refused.rawValue),
        (.invalid, ExitStatus.usage.rawValue), (.failed, ExitStatus.failed.rawValue),
    ])
    func `each kind of error has one exit status`(kind: OperationError.Kind, status: Int32) {
        #expect(CommandFailure(reporting: OperationError(kind, "it did not work")).status.rawValue == status)
    }

    @Test func `a name that is anybody's can't steer the terminal that shows it`() {
        let error = OperationError(
            .notFound, "there is no schedule “a\u{1B}[2J”", why: "b\nc", next: "`moose schedules list` shows them")
        #expect(
            CommandFailure(reporting: error).description
                == "moose: there is no schedule “a [2J”. b c. `moose schedules list` shows them.")
    }

    @Test func `a question that takes too long is given up, and the person is told what to ask instead`() async throws {
        try await BudgetDesk.open { desk in
            var configuration = PostgresConfiguration.operations(url: desk.url, applicationName: "moose test")
            #expect(configuration.statementTimeout == .seconds(60))
            configuration.statementTimeout = .milliseconds(50)
            let client = try PostgresClient(configuration: configuration, maxConnections: 1)
            let error = await #expect(throws: PostgresError.self) { _ = try await client.run("SELECT pg_sleep(60)") }
            await client.close()
            let failure = CommandFailure(reporting: try #require(error))
            #expect(failure.what == "the database gave the statement up" && failure.status == .failed)
            #expect(failure.next?.contains("--limit") == true)
        }
    }
}
