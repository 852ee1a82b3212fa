import AMQP
import FoundationEssentials
import Logging
import Postgres
import Testing
import WorkOrders

@testable import Reporting

struct ReporterTests {
    private let reporter = Reporter(component: "worker", logger: NetsBench.logger)

    @Test func `whatever a server's absence causes is one event a process`() {
        let away: [PostgresError] = [
            .unreachable(reason: "refused"), .connectionLost(reason: "reset", outcomeUnknown: true),
            .timeout(reason: "no connection"), .authenticationFailed(reason: "its password was changed"),
            .databaseMissing(reason: "no such database"), .unsuitable(reason: "read-only", remedy: "r"),
        ]
        let broken: [AMQPError] = [
            .connectionLost(reason: "reset"), .authenticationFailed(user: "moose"), .virtualHostMissing("moose"),
        ]
        for operation in ["heartbeat", "rescue", "sweep", "relay", "claim", "finish"] {
            for error in away { reporter.report(operation, "it did not work", error: error) }
            for error in broken { reporter.report(operation, "it did not work", error: error) }
        }
        let events = reporter.take(100)
        #expect(events.map { $0.details?["away"] } == ["database", "broker"])
        #expect(events.map { $0.details?["occurrences"] } == ["36", "18"])
        #expect(events.map(\.failureClass) == ["infrastructure", "infrastructure"])
    }

    @Test func `handlers and facts tell reports apart whose words differ in a number`() {
        for (handler, status) in [("llm-1", "401"), ("llm-2", "401"), ("llm-2", "403"), ("llm-2", "403")] {
            reporter.report(
                "begin", "\(handler) can't begin: the service answered \(status)", failureClass: .infrastructure,
                details: [.handler: handler, .httpStatus: status])
        }
        #expect(reporter.take(100).map { $0.details?["http_status"] } == ["401", "401", "403"])
    }

    @Test func `what has another cause is another event, and each order has its own`() {
        reporter.report("sweep", "left out", error: PostgresError.transactionAborted)
        reporter.report("rescue", "left out", error: PostgresError.transactionAborted)
        let orders = [UUID.timeOrdered(), .timeOrdered()]
        for order in orders + orders {
            reporter.report("heartbeat", "lease lost", failureClass: .workerLost, workOrder: order)
        }
        let events = reporter.take(100)
        #expect(events.map(\.operation) == ["sweep", "rescue", "heartbeat", "heartbeat"])
        #expect(events.compactMap(\.workOrderID) == orders)
        #expect(Set(events.map(\.id)).count == 4)
    }

    @Test func `a lost connection of a broker's client is the broker's absence, and its other complaints are events`() {
        let logger = Logger(label: "worker") { _ in BrokerLog(NetsBench.logger, reporter) }
        logger.info("connected to the broker")
        let reset = AMQPError.connectionLost(reason: "reset")
        logger.warning("it is gone", error: LinkLoss(reset))
        logger.warning("nobody is there", error: LinkLoss(.authenticationFailed(user: "moose")))
        reporter.report("relay", "the outbox waits", error: reset)
        // Words alone are no loss.
        logger.warning("lost the connection to the broker")
        logger.error("the topology could not be declared again", metadata: ["why": "406"])
        let events = reporter.take(100)
        #expect(
            events.map(\.message) == [
                "it is gone: \(reset)", "lost the connection to the broker", "the topology could not be declared again",
            ])
        #expect(events.map(\.severity) == [.warning, .warning, .critical])
        #expect(events.map { $0.details?["away"] } == ["broker", nil, nil])
        #expect(events.last?.details?["why"] == "406")
    }

    @Test func `no secret of a URL leaves the process`() {
        struct Saying: Error, CustomStringConvertible {
            let description = "amqp://moose:hunter2@broker/%2F is wrong"
        }
        reporter.report("start", "no connection", error: Saying())
        #expect(reporter.take(1).map { $0.message.contains("hunter2") } == [false])
    }
}
