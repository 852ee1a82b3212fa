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
    private var order: HostOrder
    /// The attempt under way, when some of its hosts are still to be tried.
    private var round: Round?
    private var address: BrokerAddress?
    private var isWanted = false
    private var hasEverConnected = false
    private var nextAttempt: Instant?
    private var connectedAt = Instant.now
    private var waiting: [Reply<Void>] = []
    private(set) var session: Session?
    private(set) var lastError: AMQPError?

    /// One attempt: each host once.
    private struct Round {
        var left: [BrokerAddress]
        let end: Instant
        var errors: [AMQPError] = []

        /// What to tell of a round that found no host: the first that is about more than one host, else all of them.
        var verdict: AMQPError {
            var failures: [HostFailure] = []
            for error in errors {
                guard case .connectionRefused(let more) = error else { return error }
                failures += more
            }
            return .connectionRefused(failures)
        }
    }

    init(configuration: AMQPConfiguration, board: StatusBoard, logger: Logger?) {
        self.configuration = configuration
        order = HostOrder(configuration.addresses)
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

    /// Tries one host when an attempt is due. While others are left, the next is due at once, so that the caller looks
    /// after its commands in between.
    /// - Parameters:
    ///   - patience: upper limit of the connect time-out, for callers with a deadline.
    ///   - prepare: sets the new session up; what it throws counts as a failed attempt.
    /// - Returns: true when a new session is there.
    func connectIfDue(patience: Duration?, prepare: (Session) throws(AMQPError) -> Void) -> Bool {
        guard let deadline, deadline <= .now else { return false }
        let limit = min(configuration.connectTimeout, max(patience ?? configuration.connectTimeout, .milliseconds(500)))
        var round = self.round ?? Round(left: order.round(at: .now, using: &generator), end: .now + limit * 2)
        // A host that is silent leaves the others their share; one alone has all of it, for connecting and for the login.
        let share = (round.end - .now) / (2 * max(1, round.left.count))
        let address = round.left.removeFirst()
        do throws(AMQPError) {
            let timeout = max(.milliseconds(500), min(limit, share))
            let fresh = try Session(configuration, address, timeout: timeout, board: board)
            try prepare(fresh)
            connected(fresh, to: address)
            return true
        } catch {
            order.failed(address, at: .now)
            round.errors.append(error)
            let isOver = round.left.isEmpty || !error.mayBeOneHostOnly
            if isOver { giveUp(round) } else { goOn(round, after: error, address) }
            return false
        }
    }

    private func connected(_ fresh: Session, to address: BrokerAddress) {
        session = fresh
        self.address = address
        order.succeeded(address)
        round = nil
        hasEverConnected = true
        lastError = nil
        nextAttempt = nil
        connectedAt = .now
        board.connected(to: address, serverVersion: fresh.serverVersion)
        logger?.info("connected to the broker", metadata: ["url": "\(configuration)", "host": "\(address)"])
        answer(.success(()))
    }

    private func goOn(_ round: Round, after error: AMQPError, _ address: BrokerAddress) {
        self.round = round
        nextAttempt = .now
        // No warning: nobody has to act while another host does.
        logger?.info("a host of the broker can't be used", metadata: ["host": "\(address)", "why": "\(error)"])
    }

    private func giveUp(_ round: Round) {
        let error = round.verdict
        self.round = nil
        lastError = error
        board.disconnected(error)
        nextAttempt = .now + backoff.failed()
        logger?.warning("no connection to the broker", error: LinkLoss(error), metadata: ["url": "\(configuration)"])
        // Someone who asked for the first connection decides what comes next.
        if !waiting.isEmpty, !hasEverConnected { isWanted = false }
        answer(.failure(error))
    }

    /// The session broke; a new attempt follows after a pause.
    func lose(_ error: AMQPError) {
        session = nil
        if let address { order.failed(address, at: .now) }
        lastError = error
        board.disconnected(error)
        // A broker that logs clients in and drops them at once must not be hammered.
        if connectedAt < .now - .seconds(5) { backoff.succeeded() }
        nextAttempt = .now + backoff.failed()
        logger?.warning("lost the connection to the broker", error: LinkLoss(error))
    }

    /// Ends for good.
    func close() {
        session?.close()
        session = nil
        round = nil
        isWanted = false
        board.disconnected(nil)
        answer(.failure(.closed))
    }

    private func answer(_ result: Result<Void, AMQPError>) {
        for reply in waiting { reply.resolve(result) }
        waiting = []
    }
}

extension AMQPError {
    /// Whether another host of the same cluster may do better.
    fileprivate var mayBeOneHostOnly: Bool {
        switch self {
        case .connectionRefused, .authenticationFailed, .virtualHostMissing, .connectionLost, .timeout, .channelClosed,
            .blocked:
            true
        default: false
        }
    }
}
