internal import IOThread
package import Logging

/// One connection for consuming, with a thread of its own and any number of subscriptions. A lost connection is remade
/// with jittered pauses, and every subscription that isn't paused consumes again.
package final class AMQPConsumer: Sendable {
    private let mailbox: Mailbox<ConsumerCommand>
    private let board = StatusBoard()

    /// - Parameter topology: declared on every connection, as far as the user may, and again when a queue is missing; nil
    ///   declares nothing.
    /// - Throws: ``AMQPError/system(_:)`` when there is no thread or descriptor left.
    package init(
        configuration: AMQPConfiguration, topology: Topology? = nil, logger: Logger? = nil
    ) throws(AMQPError) {
        do {
            let mailbox = try Mailbox<ConsumerCommand>()
            let board = self.board
            self.mailbox = mailbox
            let thread = try IOThread(name: "amqp-consume", stackBytes: Session.stackBytes) {
                let link = Link(configuration: configuration, board: board, logger: logger)
                ConsumerLoop(mailbox: mailbox, link: link, topology: topology, logger: logger).run()
            }
            thread.detach()
        } catch {
            throw .system("\(error)")
        }
    }

    deinit { mailbox.post(.close(nil)) }

    /// Makes the first connection; later ones happen by themselves. After a failure call it again.
    package func connect() async throws(AMQPError) { try await mailbox.ask { .connect($0) } }

    /// Starts consuming.
    /// - Parameter prefetch: how many deliveries may be unsettled at a time, at least 1.
    /// - Throws: ``AMQPError/notFound(_:)`` without that queue, or why there is no connection.
    package func subscribe(to queue: String, prefetch: Int) async throws(AMQPError) -> AMQPSubscription {
        try await mailbox.ask { .subscribe(queue: queue, prefetch: prefetch, $0) }
    }

    /// How the connection stands now.
    package func status() -> AMQPStatus { board.read() }

    /// Sends the last acknowledgements, closes the connection, ends every stream and the thread.
    package func close() async {
        do throws(AMQPError) {
            try await mailbox.ask { .close($0) }
        } catch {
            // Closed already: that is what was asked for.
        }
    }
}
