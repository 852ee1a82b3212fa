import FoundationEssentials
import Testing
import WorkOrders

struct ErrorEventTests {
    @Test func `an event survives the wire`() throws {
        let event = ErrorEvent(
            component: "worker", operation: "run", severity: .critical, message: "Füße 🫎 \"quoted\"\n\u{0}",
            workOrderID: .timeOrdered(), failureClass: .testFail, details: ["exit_code": "1"])
        let again = try JSONDecoder().decode(ErrorEvent.self, from: JSONEncoder().encode(event))
        #expect(again == event)
    }

    @Test func `the fields have their wire names and absent ones stay absent`() throws {
        let event = ErrorEvent(component: "relay", operation: "publish", severity: .warning, message: "m")
        let text = String(decoding: try JSONEncoder().encode(event), as: UTF8.self)
        #expect(text.contains("\"occurred_at\""))
        #expect(text.contains("\"severity\":\"warning\""))
        #expect(!text.contains("work_order_id"))
        #expect(!text.contains("details"))
    }

    @Test func `an event of a stranger needs only what cannot be guessed`() throws {
        let text = """
            {"id":"0193c2d4-7a00-7000-8000-0123456789ab","component":"sentinel","operation":"verify",
            "severity":"critical","message":"m","failure_class":"something new","extra":1}
            """
        let event = try JSONDecoder().decode(ErrorEvent.self, from: Data(text.utf8))
        #expect(event.failureClass == "something new")
        #expect(event.occurredAt == nil)
    }

    @Test(arguments: [
        ("worker", "error.warning.worker"), ("client-manager", "error.warning.client_manager"),
        ("a.b#*", "error.warning.a_b__"), ("größe", "error.warning.gr____e"), ("", "error.warning._"),
    ])
    func `the routing key holds nothing AMQP gives a meaning`(component: String, key: String) {
        let event = ErrorEvent(component: component, operation: "o", severity: .warning, message: "m")
        #expect(event.routingKey == key)
    }

    @Test func `a routing key always fits AMQP's 255 bytes`() {
        for component in [String(repeating: "界", count: 300), "e" + String(repeating: "\u{301}", count: 1000)] {
            let event = ErrorEvent(component: component, operation: "o", severity: .critical, message: "m")
            #expect(event.routingKey.utf8.count <= 255)
        }
    }

    @Test func `every failure class has the spelling the database knows`() {
        #expect(
            FailureClass.allCases.map(\.rawValue) == [
                "compile_error", "contract_violation", "test_fail", "lint_error", "orchestration_error",
                "budget_exceeded", "dependency_missing", "timeout", "invalid_input", "malformed_output", "worker_lost",
                "infrastructure", "unknown",
            ])
    }
}
