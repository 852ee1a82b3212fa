import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What a failed order's error event says.
struct FailureEventTests {
    @Test func `an order that gave up tells its facts, as a warning`() async throws {
        try await StoreDesk.open { desk in
            let items = try (1...3).map { _ in try StoreDesk.order() }
            let tokens = try await desk.claim(items).map(\.token)
            let failures = [
                AttemptFailure(.infrastructure, "a", retry: .never, facts: [.exitCode: "75"]),
                AttemptFailure(.infrastructure, "b", retry: .never, facts: [.httpStatus: "503", .signal: "9"]),
                AttemptFailure(.infrastructure, "c", retry: .never),
            ]
            for (index, failure) in failures.enumerated() {
                try await desk.end(items[index].id, try #require(tokens[index]), .failed(failure))
            }
            let rows = try await desk.store.postgres.run(
                """
                SELECT e ->> 'message', e ->> 'severity', e -> 'details' ->> 'exit_code',
                       e -> 'details' ->> 'http_status', e -> 'details' ->> 'signal', e -> 'details' ->> 'handler'
                FROM (SELECT convert_from(body, 'UTF8')::json AS e FROM moose.outbox
                      WHERE type = 'moose.error-event.v1') x ORDER BY 1
                """
            ).rows.decode((String, String, String?, String?, String?, String).self)
            #expect(rows.map(\.0) == ["a", "b", "c"])
            #expect(rows.allSatisfy { $0.1 == "warning" && $0.5 == "work" }, "critical is what stops others")
            #expect(rows.map(\.2) == ["75", nil, nil])
            #expect(rows.map(\.3) == [nil, "503", nil])
            #expect(rows.map(\.4) == [nil, "9", nil])
        }
    }
}
