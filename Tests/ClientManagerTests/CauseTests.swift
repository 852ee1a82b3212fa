import Store
import Testing
import WorkOrders

@testable import ClientManager

/// One cause is one escalation, and two causes are two.
struct CauseTests {
    private static func failure(
        _ message: String, _ details: [DetailKey: String], _ failureClass: FailureClass = .infrastructure,
        component: String = "worker", operation: String = "run"
    ) -> String {
        EventClassifier.classify(
            ErrorEvent(
                component: component, operation: operation, severity: .warning, message: message,
                failureClass: failureClass, details: details.named)
        ).fingerprint
    }

    @Test func `a status, an exit code and a signal tell causes apart, and each is one`() {
        var causes: Set<String> = []
        for (key, values) in [
            (DetailKey.httpStatus, ["429", "503", "404", "401"]), (.exitCode, ["75", "78", "127"]),
            (.signal, ["9", "11"]), (.sqlState, ["23505", "23503"]),
        ] {
            for value in values {
                let equal = Set(
                    ["it ended with \(value): 3 of 7", "it ended with \(value): 12 of 19"].map {
                        Self.failure($0, [.handler: "http", key: value])
                    })
                #expect(equal.count == 1, "\(key) \(value)")
                causes.formUnion(equal)
            }
        }
        #expect(causes.count == 11)
    }

    @Test func `an absent server is one cause, whoever noticed and at what`() {
        let noticed = [
            ("worker", "heartbeat", "leases are not renewed: the database refused the log-in"),
            ("scheduler", "tick", "schedules wait: connection refused"), ("relay", "relay", "the outbox waits: 57P01"),
        ]
        let causes = Set(
            noticed.map { component, operation, message in
                Self.failure(message, [.away: "database"], component: component, operation: operation)
            })
        #expect(causes.count == 1)
        #expect(!causes.contains(Self.failure("gone", [.away: "broker"])))
    }

    @Test func `a full budget is one cause, spent or held`() {
        func budget(_ reason: String, _ message: String, scope: String = "org", period: String = "day") -> String {
            Self.failure(
                message, [.reason: reason, .scope: scope, .name: scope, .period: period], .budgetExceeded,
                operation: "reserve")
        }
        let full = budget("spent", "the daily budget of the organisation is spent: its cap is $5")
        #expect(budget("held_retry", "the daily budget of the organisation is held by running work") == full)
        #expect(budget("frozen", "it is frozen") != full)
        #expect(budget("soft", "it is past its soft limit") != full)
        #expect(budget("spent", "it is spent", period: "month") != full)
        #expect(budget("spent", "it is spent", scope: "project") != full)
    }
}
