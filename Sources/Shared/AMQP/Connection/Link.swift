internal import IOThread
internal import Logging

/// Keeps a session alive for a loop: when to connect, how long to pause after a failure, who waits for it.
final class Link {
    typealias Instant = ContinuousClock.Instant

    let configuration: AMQPConfiguration
    private let board: StatusBoard
    private let logger: Logger?
    private var backoff = Backoff()
    private var generator = SystemRandomNumberGenerator()
    private var isWanted = false
    private var hasEverConnected = false
    private var nextAttempt: Instant?
    private var connectedAt = Instant.now
    private var waiting: [Reply<Void>] = []
    private(set) var session: Session?
    private(set) var lastError: AMQPError?

    init(configuration: AMQPConfiguration, board: StatusBoard, logger: Logger?) {
        self.configuration = configuration
        self.board = board
        self.logger = logger
    }

    /// When ``connectIfDue(prepare:)`` has something to do; nil when it has not.
    var deadline: Instant? { session == nil && isWanted ? nextAttempt ?? .now : nil }

    /// What to tell someone who needs the connection while there is none.
    var absence: AMQPError { lastError ?? .connectionLost(reason: "not connected yet") }

    /// Someone has use for a connection: tries at once unless a pause is running.
    func want() { isWanted = true }

    /// Answers after the next attempt.
    func connect(_ reply: Reply<Void>) {
        if session != nil { return reply.succeed() }
        waiting.append(reply)
        isWanted = true
        nextAttempt = nil
    }

    /// Makes an attempt when one is due.
    /// - Parameters:
    ///   - patience: upper limit of the connect time-out, for callers with a deadline.
    ///   - prepare: sets the new session up; what it throws counts as a failed attempt.
    /// - Returns: true when a new session is there.
    func connectIfDue(patience: Duration?, prepare: (Session) throws(AMQPError) -> Void) -> Bool {
        guard let deadline, deadline <= .now else { return false }
        let limit = min(configuration.connectTimeout, max(patience ?? configuration.connectTimeout, .milliseconds(500)))
        do throws(AMQPError) {
            let fresh = try Session(configuration, timeout: limit, board: board)
            try prepare(fresh)
            session = fresh
            hasEverConnected = true
            lastError = nil
            nextAttempt = nil
            connectedAt = .now
            board.connected(serverVersion: fresh.serverVersion)
            logger?.info("connected to the broker", metadata: ["url": "\(configuration)"])
            answer(.success(()))
            return true
        } catch {
            lastError = error
            board.disconnected(error)
            nextAttempt = .now + backoff.next(using: &generator)
            logger?.warning("no connection to the broker", metadata: ["url": "\(configuration)", "why": "\(error)"])
            // Someone who asked for the first connection decides what comes next.
            if !waiting.isEmpty, !hasEverConnected { isWanted = false }
            answer(.failure(error))
            return false
        }
    }

    /// The session broke; a new attempt follows after a pause.
    func lose(_ error: AMQPError) {
        session = nil
        lastError = error
        board.disconnected(error)
        // A broker that logs clients in and drops them at once must not be hammered.
        if connectedAt < .now - .seconds(5) { backoff.reset() }
        nextAttempt = .now + backoff.next(using: &generator)
        logger?.warning("lost the connection to the broker", metadata: ["why": "\(error)"])
    }

    /// Ends for good.
    func close() {
        session?.close()
        session = nil
        isWanted = false
        board.disconnected(nil)
        answer(.failure(.closed))
    }

    private func answer(_ result: Result<Void, AMQPError>) {
        for reply in waiting { reply.resolve(result) }
        waiting = []
    }
}
