package import AMQP
internal import FoundationEssentials
package import Logging
internal import Messaging
internal import Postgres
package import Reporting
package import Store

/// Carries the outbox to the broker: doorbells, error events, replies. Any number may run; each row goes to one at a
/// time. Nothing is deleted before its confirm, so a crash between costs a duplicate, which the claim drops.
package struct OutboxRelay: Sendable {
    private let store: Store
    private let publisher: AMQPPublisher
    private let reporter: Reporter
    private let idle: Duration

    /// - Parameters:
    ///   - reporter: hears of what can't be published or read; default one that only logs.
    ///   - idle: how often to look when nothing was due. Default 250 ms.
    package init(
        store: Store, publisher: AMQPPublisher, logger: Logger, reporter: Reporter? = nil,
        idle: Duration = .milliseconds(250)
    ) {
        self.store = store
        self.publisher = publisher
        self.reporter = reporter ?? Reporter(component: "relay", logger: logger)
        self.idle = idle
    }

    /// Runs until the task is cancelled. Errors are reported and tried again: the rows are safe where they are.
    package func run() async {
        var pause = idle
        while !Task.isCancelled {
            do {
                let count = try await relayOnce()
                pause = count > 0 ? .zero : idle
            } catch {
                // A stop may interrupt a statement; the next relay goes on.
                if !Task.isCancelled { reporter.report("relay", "the outbox waits", error: error) }
                pause = min(max(pause, idle) * 2, .seconds(5))
            }
            // Cancelled while asleep: the loop's condition ends it.
            if pause > .zero { try? await Task.sleep(for: pause) }
        }
    }

    /// Publishes what is due now. Returns how many rows that were.
    package func relayOnce() async throws -> Int {
        let lease = UUID()
        let due = try await store.leaseOutbox(lease)
        guard !due.isEmpty else { return 0 }
        do {
            try await publisher.publish(due.map(Self.message), deadline: .seconds(20))
        } catch {
            try await store.releaseOutbox(lease, due)
            throw error
        }
        try await store.deleteOutbox(lease, due)
        return due.count
    }

    private static func message(_ row: OutboxMessage) -> OutgoingMessage {
        var properties = MessageProperties()
        properties.messageID = (row.doorbellFor ?? row.row).uuidString.lowercased()
        properties.type = row.type
        properties.correlationID = row.correlationID
        if row.doorbellFor == nil { properties.contentType = "application/json" }
        return OutgoingMessage(
            exchange: row.exchange, routingKey: row.routingKey, properties: properties, body: row.body)
    }
}
