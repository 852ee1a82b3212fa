internal import IOThread
package import Logging
internal import Synchronization

/// A PostgreSQL client: a small pool of connections, all polled by one thread of its own.
///
/// Connections are made when they are needed, and again after a loss; statements wait for one up to
/// ``PostgresConfiguration/acquireTimeout``, first come first served. A statement whose connection broke is not
/// repeated: only its caller knows whether that is harmless. Cancelling a task abandons its statement, which throws
/// ``PostgresError/cancelled(wasSent:)``; once sent, the server runs it to its end.
package final class PostgresClient: Sendable {
    private let configuration: PostgresConfiguration
    private let mailbox: Mailbox<Command>
    private let board = StatusBoard()
    private let nextSubscriber = Atomic<UInt64>(1)

    /// Starts the thread; connects to nothing yet.
    ///
    /// - Parameters:
    ///   - maxConnections: at least 1; the connection for notifications comes on top.
    ///   - logger: hears of lost connections (warning) and the server's notices (debug).
    /// - Throws: `PostgresError.invalidConfiguration` when libpq can't read the URL, `IOError` when the system has no
    ///   thread left.
    package init(configuration: PostgresConfiguration, maxConnections: Int, logger: Logger? = nil) throws {
        try ConnectionString.validate(configuration.url)
        self.configuration = configuration
        let mailbox = try Mailbox<Command>()
        self.mailbox = mailbox
        let board = board
        let thread = try IOThread(name: "postgres") {
            PoolLoop(
                configuration: configuration, maxConnections: maxConnections, logger: logger, mailbox: mailbox,
                status: board
            ).run()
        }
        thread.detach()
    }

    deinit { mailbox.post(.close(Request(.connect))) }

    /// What the connections are doing, as of a moment ago.
    package func status() -> PostgresStatus { board.latest }

    /// True unless the database is known to be away; see ``PostgresStatus/isHealthy``.
    package var isHealthy: Bool { board.latest.isHealthy }

    /// Makes sure that a connection works; unlike statements it does not wait for a better attempt than the first.
    ///
    /// - Throws: ``PostgresError/unreachable(reason:)``, ``PostgresError/authenticationFailed(reason:)`` or
    ///   ``PostgresError/databaseMissing(reason:)``.
    package func connect() async throws(PostgresError) {
        _ = try await ask(.connect)
    }

    /// Runs one statement on any connection and commits it.
    ///
    /// It is prepared on first use of its text, parameters and results travel in the binary format. A conflict with
    /// another transaction, of which nothing is left, is no error but a reason to try again, a few times.
    package func run(_ query: Query) async throws(PostgresError) -> PostgresResult {
        var conflicts = 0
        while true {
            do throws(PostgresError) {
                return try await ask(.query(query)).result
            } catch {
                conflicts += 1
                guard error.isConflict, conflicts < PostgresClient.attempts else { throw error }
                // Cancelled: the next attempt says so.
                try? await Task.sleep(for: .milliseconds(Int.random(in: 1...10) * conflicts))
            }
        }
    }

    /// How often a statement is tried that meets conflicts.
    private static let attempts = 5

    /// Runs a script of statements without parameters, as one transaction unless it says otherwise. For migrations and
    /// the like: nothing is prepared and no rows come back.
    package func runSimple(_ sql: String) async throws(PostgresError) {
        _ = try await ask(.script(sql))
    }

    /// Lends a connection to `body` alone, for state that lives in the session, such as advisory locks.
    ///
    /// A transaction that is left open is rolled back. When `body` throws or its task is cancelled, or not `reusable`,
    /// the connection is closed, and all its session's state with it; otherwise that state stays: undo it.
    package func withConnection<Value>(
        reusable: Bool = true, _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await lease()
        do {
            let value = try await body(connection)
            connection.release(reusable: reusable && !Task.isCancelled)
            return value
        } catch {
            connection.release(reusable: false)
            throw error
        }
    }

    /// Runs `body` inside a transaction on a connection of its own; commits when it returns, rolls back when it throws.
    ///
    /// - Throws: what `body` throws; ``PostgresError/transactionAborted`` when a statement had failed and `body`
    ///   returned all the same; a lost connection's `outcomeUnknown` is true only when COMMIT was on its way.
    package func withTransaction<Value>(
        _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        let connection = try await lease()
        do {
            try await connection.begin()
            let value = try await body(PostgresTransaction(connection: connection))
            try await connection.commit()
            connection.release(reusable: true)
            return value
        } catch {
            // A cancelled task doesn't wait: the connection rolls back on its own before anyone else gets it.
            if !Task.isCancelled { await connection.rollback() }
            connection.release(reusable: true)
            throw error
        }
    }

    private func ask(_ work: Request.Work) async throws(PostgresError) -> Request.Answer {
        do throws(PostgresError) {
            return try await mailbox.ask(Request(work)) { request in .submit(request) }
        } catch .pooled {
            do {
                try await PoolerProbe(configuration).check()
            } catch let error as PostgresError {
                throw error
            } catch {
                throw .unreachable(reason: "\(error)")
            }
            mailbox.post(.acceptPooler)
            return try await mailbox.ask(Request(work)) { request in .submit(request) }
        }
    }

    private func lease() async throws(PostgresError) -> PostgresConnection {
        let answer = try await ask(.lease)
        guard case .lease(let id) = answer else { throw .closed }
        return PostgresConnection(id: id, mailbox: mailbox)
    }

    /// What is sent to a channel by NOTIFY, from a connection that listens for all subscribers and comes back after a
    /// loss. The stream ends when the client is closed or the task is cancelled.
    ///
    /// An element of the kind ``PostgresNotification/Kind/listening`` tells, at first and after each reconnect, that
    /// earlier notifications may have been missed. A subscriber that is slow loses the oldest beyond 1,024.
    ///
    /// - Parameter channel: the exact name, at most 63 bytes, as in `NOTIFY "name"`.
    package func notifications(on channel: String) -> AsyncStream<PostgresNotification> {
        let id = nextSubscriber.wrappingAdd(1, ordering: .relaxed).oldValue
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(1024))
        let mailbox = mailbox
        continuation.onTermination = { _ in mailbox.post(.unsubscribe(id)) }
        let subscriber = NotificationListener.Subscriber(id: id, channel: channel, continuation: continuation)
        if !mailbox.post(.subscribe(subscriber)) { continuation.finish() }
        return stream
    }

    /// Answers all that wait with ``PostgresError/closed``, lets statements in flight finish for up to 2 s, closes all
    /// connections and ends the thread. May be called more than once.
    package func close() async {
        let request = Request(.connect)
        _ = await withCheckedContinuation { continuation in
            request.attach(continuation)
            // Refused: somebody else closed it, and it is done.
            if !mailbox.post(.close(request)) { request.answer(.success(.done)) }
        }
    }
}
