internal import DequeModule
internal import IOThread

/// The decisions of a connection pool, without any input or output: which connection serves whom, when to open another.
///
/// A connection is connecting, then idle and leased in turns, until it is lost. Each event returns what the shell must
/// do, in order. After a failed attempt only one connection is tried at a time, after a growing pause: that is the
/// breaker that keeps a pool of clients from hammering a server that is coming back.
struct PoolState {
    typealias ConnectionID = UInt64
    typealias WaiterID = UInt64
    typealias Instant = ContinuousClock.Instant

    enum Action: Equatable {
        /// Begin to connect; answer with `connected` or `connectFailed`.
        case open(ConnectionID)
        /// The waiter has the connection until `released` or `lost`.
        case serve(WaiterID, ConnectionID)
        case fail(WaiterID, PostgresError)
        /// Close it and forget it.
        case close(ConnectionID)
    }

    private struct Waiter {
        let id: WaiterID
        let deadline: Instant
        /// Wants to hear of the first failed attempt to connect instead of waiting for a better one.
        let failsFast: Bool
    }

    let maxConnections: Int
    let backoff: Backoff
    private(set) var idle: [ConnectionID] = []
    private(set) var leased: Set<ConnectionID> = []
    private(set) var connecting: Set<ConnectionID> = []
    /// First come, first served; each may leave early. All wait equally long: the first one's deadline is the nearest.
    private var waiters: Deque<Waiter> = []
    private(set) var failures = 0
    /// Why the latest attempt or connection failed; nil again once one was made.
    private(set) var lastFailure: PostgresError?
    private(set) var isClosed = false
    private var retryAt: Instant?
    private var nextConnection: ConnectionID = 1
    /// Once there was a connection, one is kept, so that health is known and the next statement finds it.
    private var keepsOne = false

    init(maxConnections: Int, backoff: Backoff = Backoff()) {
        self.maxConnections = max(1, maxConnections)
        self.backoff = backoff
    }

    /// How many wait for a connection.
    var waiting: Int { waiters.count }
    var openCount: Int { idle.count + leased.count }
    private var total: Int { openCount + connecting.count }
    private var wantsConnection: Bool {
        !isClosed && total < maxConnections && (waiters.count > connecting.count || (keepsOne && total == 0))
    }

    /// When `advance` must be called at the latest.
    var nextDeadline: Instant? {
        let retry = wantsConnection && connecting.isEmpty ? retryAt : nil
        guard let deadline = waiters.first?.deadline else { return retry }
        return retry.map { retry in min(retry, deadline) } ?? deadline
    }

    /// Somebody wants a connection.
    mutating func submit(_ id: WaiterID, deadline: Instant, failsFast: Bool = false, now: Instant) -> [Action] {
        guard !isClosed else { return [.fail(id, .closed)] }
        waiters.append(Waiter(id: id, deadline: deadline, failsFast: failsFast))
        return schedule(now: now)
    }

    /// A waiter gave up. Returns false when it was served already.
    mutating func abandon(_ id: WaiterID) -> Bool { !removeWaiters { waiter in waiter.id == id }.isEmpty }

    mutating func connected(_ id: ConnectionID, now: Instant) -> [Action] {
        guard connecting.remove(id) != nil else { return [.close(id)] }
        failures = 0
        lastFailure = nil
        retryAt = nil
        keepsOne = true
        idle.append(id)
        return schedule(now: now)
    }

    /// - Parameter jitter: random, 0 to 1.
    mutating func connectFailed(_ id: ConnectionID, _ error: PostgresError, now: Instant, jitter: Double) -> [Action] {
        guard connecting.remove(id) != nil else { return [] }
        failures += 1
        lastFailure = error
        retryAt = now + backoff.pause(after: failures, jitter: jitter)
        // What is unsuitable stays so until a person has changed it: nobody need wait for a better attempt.
        let isHopeless =
            switch error {
            case .unsuitable, .invalidConfiguration: true
            default: false
            }
        let impatient = removeWaiters { waiter in waiter.failsFast || isHopeless }
        return impatient.map { waiter in .fail(waiter.id, error) } + schedule(now: now)
    }

    /// A leased connection is free again.
    mutating func released(_ id: ConnectionID, now: Instant) -> [Action] {
        guard leased.remove(id) != nil else { return [] }
        guard !isClosed else { return [.close(id)] }
        idle.append(id)
        return schedule(now: now)
    }

    /// An idle or leased connection is gone: the server closed it, or its user did.
    /// - Parameter error: nil when it was given up on purpose.
    mutating func lost(_ id: ConnectionID, _ error: PostgresError?, now: Instant) -> [Action] {
        idle.removeAll { idle in idle == id }
        leased.remove(id)
        if let error { lastFailure = error }
        return schedule(now: now)
    }

    /// The others of a client whose server failed over: what is idle is closed; what is leased is looked at by its user.
    mutating func retireIdle(now: Instant) -> [Action] {
        let retired = idle.map { id in Action.close(id) }
        idle = []
        return retired + schedule(now: now)
    }

    /// Time has passed: gives up those whose deadline is over, and connects again when the pause is.
    mutating func advance(now: Instant) -> [Action] {
        var actions: [Action] = []
        while let waiter = waiters.first, waiter.deadline <= now {
            _ = waiters.popFirst()
            actions.append(.fail(waiter.id, reasonForWaiting))
        }
        return actions + schedule(now: now)
    }

    /// Answers all waiters and closes what nobody uses; leased connections are closed when they are released.
    mutating func close() -> [Action] {
        isClosed = true
        let answers = removeWaiters { _ in true }.map { waiter in Action.fail(waiter.id, .closed) }
        let closed = (idle + connecting.sorted()).map { id in Action.close(id) }
        idle = []
        connecting = []
        return answers + closed
    }

    /// Returns them in their order.
    private mutating func removeWaiters(where matches: (Waiter) -> Bool) -> [Waiter] {
        let removed: [Waiter] = waiters.filter(matches)
        waiters.removeAll(where: matches)
        return removed
    }

    private var reasonForWaiting: PostgresError {
        if openCount > 0 { return .timeout(reason: "All \(openCount) connections stayed busy") }
        switch lastFailure {
        case .connectionLost(let reason, _): return .unreachable(reason: reason)
        case .some(let error): return error
        case nil: return .unreachable(reason: "No connection was made in time")
        }
    }

    private mutating func schedule(now: Instant) -> [Action] {
        var actions: [Action] = []
        // The most recently used one first: its plans and caches are warm, and the surplus shows as idle.
        while let connection = idle.last, let waiter = waiters.popFirst() {
            idle.removeLast()
            leased.insert(connection)
            actions.append(.serve(waiter.id, connection))
        }
        while wantsConnection {
            if let retryAt {
                guard connecting.isEmpty, now >= retryAt else { break }
            }
            connecting.insert(nextConnection)
            actions.append(.open(nextConnection))
            nextConnection += 1
        }
        return actions
    }
}
