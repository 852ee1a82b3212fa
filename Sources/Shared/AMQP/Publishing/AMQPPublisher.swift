internal import IOThread
package import Logging
internal import Synchronization

/// One connection for publishing, with a thread of its own. Confirms are always on; a lost connection is remade with
/// jittered pauses, its topology declared again and what was unconfirmed sent again.
package final class AMQPPublisher: Sendable {
    private let configuration: AMQPConfiguration
    private let mailbox: Mailbox<PublisherCommand>
    private let board = StatusBoard()
    private let nextBatch = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - topology: declared on every connection, as far as the user may; nil declares nothing.
    ///   - window: messages that may be unconfirmed at a time, over all callers. Default 1000.
    /// - Throws: ``AMQPError/system(_:)`` when there is no thread or descriptor left.
    package init(
        configuration: AMQPConfiguration, topology: Topology? = nil, window: Int = 1000, logger: Logger? = nil
    ) throws(AMQPError) {
        self.configuration = configuration
        do {
            let mailbox = try Mailbox<PublisherCommand>()
            let board = self.board
            self.mailbox = mailbox
            let thread = try IOThread(name: "amqp-publish", stackBytes: Session.stackBytes) {
                let link = Link(configuration: configuration, board: board, logger: logger)
                PublisherLoop(mailbox: mailbox, link: link, topology: topology, window: max(1, window), logger: logger)
                    .run()
            }
            thread.detach()
        } catch {
            throw .system("\(error)")
        }
    }

    deinit { mailbox.post(.close(nil)) }

    /// Makes the first connection. Later ones happen by themselves, and so does this one as soon as something is
    /// published; calling it gives a clear error early.
    package func connect() async throws(AMQPError) { try await mailbox.ask { .connect($0) } }

    /// Publishes and returns when the broker has taken over every message.
    ///
    /// Refused (nacked) messages and those of a lost connection are sent again until the deadline, so a message may
    /// arrive twice: give each an id. Cancelling the task abandons the waiting, not what was sent.
    /// - Parameters:
    ///   - deadline: how long to try. Default 30 s.
    ///   - isLimited: false: only the broker limits a body's size.
    /// - Throws: see ``AMQPError`` for which messages it speaks of.
    package func publish(
        _ messages: [OutgoingMessage], deadline: Duration = .seconds(30), isLimited: Bool = true
    ) async throws(AMQPError) {
        if messages.isEmpty { return }
        try check(messages, isLimited: isLimited)
        let id = nextBatch.wrappingAdd(1, ordering: .relaxed).newValue
        let end = ContinuousClock.Instant.now + deadline
        try await mailbox.ask(onCancel: .abandon(id: id)) { .publish(id: id, messages, deadline: end, $0) }
    }

    /// Asks of messages that are kept for later what ``publish(_:deadline:isLimited:)`` would ask of them.
    /// - Throws: ``AMQPError/messageTooLarge(index:bytes:limit:)`` or ``AMQPError/invalidMessage(index:reason:)``.
    package func check(_ messages: [OutgoingMessage], isLimited: Bool = true) throws(AMQPError) {
        let limit = isLimited ? configuration.maxMessageBytes : .max
        for (index, message) in messages.enumerated() {
            if let defect = message.defect(at: index, maxBytes: limit) { throw defect }
        }
    }

    /// Whether the queue is there. Uses a channel of its own.
    package func queueExists(_ name: String) async throws(AMQPError) -> Bool {
        try await queueStatistics(name) != nil
    }

    /// Whether the exchange is there. Uses a channel of its own.
    package func exchangeExists(_ name: String) async throws(AMQPError) -> Bool {
        try await mailbox.ask { .find(exchange: name, $0) }
    }

    /// Ready messages and consumers of a queue; nil when there is none of that name.
    package func queueStatistics(_ name: String) async throws(AMQPError) -> (messages: Int, consumers: Int)? {
        let figures = try await mailbox.ask { .inspect(queue: name, $0) }
        return figures.map { ($0.messages, $0.consumers) }
    }

    /// Whether the user has a right; no message is moved. Uses a channel of its own, and leaves a line in the broker's log.
    /// - Returns: nil when it has, else the broker's words.
    /// - Throws: ``AMQPError/notFound(_:)`` when there is no such exchange or queue.
    package func refusal(of right: BrokerRight) async throws(AMQPError) -> String? {
        try await mailbox.ask { .check(right, $0) }
    }

    /// Declares exchanges, queues and bindings on a channel of its own; what exists already with the same properties
    /// stays as it is.
    /// - Throws: ``AMQPError/preconditionFailed(name:text:)`` for the first that exists with others.
    package func declare(_ topology: Topology) async throws(AMQPError) {
        try await mailbox.ask { .declare(topology, $0) }
    }

    /// Deletes a queue with everything in it; one that isn't there is no error.
    package func deleteQueue(_ name: String) async throws(AMQPError) {
        try await mailbox.ask { .delete(queue: name, $0) }
    }

    /// How the connection stands now.
    package func status() -> AMQPStatus { board.read() }

    /// Closes the connection and ends the thread. Publishes still waiting fail with ``AMQPError/closed``, or with
    /// the indexes that remain unconfirmed.
    package func close() async {
        do throws(AMQPError) {
            try await mailbox.ask { .close($0) }
        } catch {
            // Closed already: that is what was asked for.
        }
    }
}
