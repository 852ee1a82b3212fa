package import AMQP
internal import Messaging
internal import Synchronization
package import WorkOrders

/// Publishes work orders and error events: returns when the broker has confirmed them, so that nothing confirmed is lost.
package final class WorkOrderPublisher: Sendable {
    private let publisher: AMQPPublisher
    private let knownLanes = Mutex<Set<String>>([])

    package init(_ publisher: AMQPPublisher) { self.publisher = publisher }

    /// Publishes a batch; many are in flight at once.
    /// - Parameter deadline: how long to go on over nacks, blocked connections and lost brokers before giving up.
    /// - Throws: ``UnknownLane`` before anything is sent, or `AMQPError` naming what was not confirmed. After an unknown
    ///   outcome the same ids may be sent again: the claim takes each only once.
    package func publish(_ messages: [OutgoingMessage], deadline: Duration = .seconds(30)) async throws {
        for lane in Self.lanes(of: messages) {
            guard try await hasQueue(lane) else { throw UnknownLane(lane: lane) }
        }
        try await publisher.publish(messages, deadline: deadline)
    }

    /// Those of their lanes that have no queue: publishing to them would end in the dead letters.
    package func lanesWithoutQueue(_ messages: [OutgoingMessage]) async throws -> Set<String> {
        var missing: Set<String> = []
        for lane in Self.lanes(of: messages) where try await !hasQueue(lane) { missing.insert(lane) }
        return missing
    }

    /// Publishes one error event to the escalation queue.
    package func report(_ event: ErrorEvent) async throws {
        try await publisher.publish([try .errorEvent(event)])
    }

    // The alternate exchange takes what no lane takes, so the broker itself reports no unknown lane.
    private func hasQueue(_ lane: String) async throws -> Bool {
        if knownLanes.withLock({ $0.contains(lane) }) { return true }
        guard try await publisher.queueExists(MooseTopology.workQueue(lane: lane)) else { return false }
        knownLanes.withLock { _ = $0.insert(lane) }
        return true
    }

    private static func lanes(of messages: [OutgoingMessage]) -> Set<String> {
        Set(messages.lazy.filter { $0.exchange == MooseTopology.workExchange }.map(\.routingKey))
    }
}
