import AMQP
import ClientManager
import DatabaseSupport
import FoundationEssentials
import Messaging
import Sentinel
import Store
import Testing
import WorkOrders

@testable import Worker

extension PoolBench {
    /// Runs a Client Manager beside the body, so that what was reported becomes escalations.
    func withClientManager(
        stuck: StuckWatch = StuckWatch(), sentinel: SentinelJudge = SentinelJudge(), _ body: () async throws -> Void
    ) async throws {
        let consumer = try AMQPConsumer(configuration: try AMQPConfiguration(url: amqpURL), topology: Self.topology)
        try await consumer.connect()
        let service = ClientManagerService(
            store: control, consumer: consumer, publisher: publisher, logger: Self.logger, stuck: stuck,
            sentinel: sentinel)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let running = Task { try await service.run(until: stops) }
        var failure: (any Error)?
        do {
            try await body()
        } catch {
            failure = error
        }
        stop.finish()
        let result = await running.result
        await consumer.close()
        if let failure { throw failure }
        try result.get()
    }

    /// An order stands in exactly one escalation of this class and trigger, whose count is what its events are.
    func expectEscalated(
        _ id: UUID, failureClass: String, trigger: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await waitFor(
            1,
            """
            moose.escalation_events v JOIN moose.escalations e ON e.id = v.escalation_id WHERE v.work_order_id = '\(id)'
            AND e.failure_class = '\(failureClass)' AND e.trigger_type = '\(trigger)' AND e.state = 'open'
            """, sourceLocation: sourceLocation)
        #expect(
            try await count("moose.escalation_events WHERE work_order_id = '\(id)'") == 1,
            sourceLocation: sourceLocation)
    }

    func state(_ id: UUID) async throws -> String { try await database.state(id) }
}
