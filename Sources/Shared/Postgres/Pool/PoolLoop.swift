internal import IOThread
internal import Logging
internal import Synchronization

/// The body of the I/O thread: all connections of one client, the pool's decisions carried out, one poll for all.
///
/// It is made on its thread and never leaves it, so nothing in it is locked.
final class PoolLoop {
    private let configuration: PostgresConfiguration
    private let logger: Logger?
    private let mailbox: Mailbox<Command>
    private let status: StatusBoard
    private let route: Route
    private let listener: NotificationListener
    private var pool: PoolState
    private var sessions: [PoolState.ConnectionID: Session] = [:]
    private var uses: [PoolState.ConnectionID: Use] = [:]
    private var requests: [Request.ID: Request] = [:]
    private var actions: [PoolState.Action] = []
    private var isPerforming = false
    private var closing: (requests: [Request], deadline: ContinuousClock.Instant)?

    /// What a leased connection is leased for.
    private enum Use {
        case statement
        case exclusive
        case released(reusable: Bool)
        case rollingBack
    }

    /// How much longer than the server's own limit a statement may take before its connection is taken to be dead.
    private static let grace = Duration.seconds(5)
    /// How long `close` waits for statements in flight.
    private static let closeGrace = Duration.seconds(2)

    init(
        configuration: PostgresConfiguration, maxConnections: Int, logger: Logger?, mailbox: Mailbox<Command>,
        status: StatusBoard
    ) {
        self.configuration = configuration
        self.logger = logger
        self.mailbox = mailbox
        self.status = status
        route = Route(configuration)
        listener = NotificationListener(configuration: configuration, route: route, logger: logger)
        pool = PoolState(maxConnections: maxConnections)
    }

    /// Runs until the client is closed.
    func run() {
        var pollSet = PollSet()
        while true {
            for command in mailbox.drain() { handle(command) }
            if finishesClosing() { return }
            publishStatus()

            pollSet.removeAll()
            pollSet.add(mailbox.fileDescriptor, .readable)
            let polled = Array(sessions.values)
            for session in polled { pollSet.add(session.fileDescriptor, interest(of: session)) }
            let listening = listener.session
            if let listening { pollSet.add(listening.fileDescriptor, interest(of: listening)) }
            pollSet.wait(until: nextDeadline)

            for (index, session) in polled.enumerated() where !pollSet.ready(index + 1).isEmpty {
                session.advance()
                handleEvents(of: session)
            }
            if listening != nil, !pollSet.ready(polled.count + 1).isEmpty { listener.receive() }

            let now = ContinuousClock.now
            for session in polled {
                session.checkDeadline(now: now)
                handleEvents(of: session)
            }
            listener.advance(now: now)
            perform(pool.advance(now: now))
        }
    }

    private func interest(of session: Session) -> PollSet.Interest {
        var interest: PollSet.Interest = []
        if session.waitsToRead { interest.insert(.readable) }
        if session.waitsToWrite { interest.insert(.writable) }
        return interest
    }

    private var nextDeadline: ContinuousClock.Instant? {
        let deadlines = [pool.nextDeadline, listener.nextDeadline, closing?.deadline] + sessions.values.map(\.deadline)
        return deadlines.compactMap { deadline in deadline }.min()
    }

    private func publishStatus() {
        let latest = PostgresStatus(
            open: pool.openCount, busy: pool.leased.count, connecting: pool.connecting.count,
            waiting: pool.waiting, lastFailure: pool.lastFailure, isClosed: pool.isClosed)
        status.publish(latest)
    }

    // MARK: - Commands

    private func handle(_ command: Command) {
        switch command {
        case .submit(let request):
            requests[request.id] = request
            let now = ContinuousClock.now
            let isConnect = if case .connect = request.work { true } else { false }
            let deadline = now + configuration.acquireTimeout
            perform(pool.submit(request.id, deadline: deadline, failsFast: isConnect, now: now))
        case .submitOn(let id, let request):
            guard closing == nil else {
                request.answer(.failure(.closed))
                return
            }
            guard let session = sessions[id] else {
                let error = PostgresError.connectionLost(reason: "It broke before", outcomeUnknown: false)
                request.answer(.failure(error))
                return
            }
            session.enqueue(request)
            handleEvents(of: session)
        case .abandon(let request):
            if pool.abandon(request.id) { requests[request.id] = nil }
        case .release(let id, let reusable):
            guard let session = sessions[id] else { return }
            uses[id] = .released(reusable: reusable)
            settle(session)
        case .subscribe(let subscriber):
            if closing == nil { listener.subscribe(subscriber) } else { subscriber.continuation.finish() }
        case .unsubscribe(let id): listener.unsubscribe(id)
        case .acceptPooler: route.acceptsPooler = true
        case .close(let request): close(request)
        }
    }

    private func close(_ request: Request) {
        guard closing == nil else {
            closing?.requests.append(request)
            return
        }
        closing = ([request], .now + PoolLoop.closeGrace)
        listener.close()
        perform(pool.close())
    }

    /// True when the thread may end.
    private func finishesClosing() -> Bool {
        guard let closing else { return false }
        // An exclusive connection between two statements has nothing to lose but its transaction.
        for session in Array(sessions.values) where session.isDrained || ContinuousClock.now >= closing.deadline {
            session.close("The client was closed")
            handleEvents(of: session)
        }
        guard sessions.isEmpty else { return false }
        publishStatus()
        var answers = closing.requests
        for command in mailbox.close() {
            switch command {
            case .submit(let request), .submitOn(_, let request): request.answer(.failure(.closed))
            case .close(let request): answers.append(request)
            case .subscribe(let subscriber): subscriber.continuation.finish()
            case .abandon, .release, .unsubscribe, .acceptPooler: break
            }
        }
        for request in answers { request.answer(.success(.done)) }
        return true
    }

    // MARK: - The pool's decisions

    /// Carries out actions in order, and those that follow from them.
    private func perform(_ more: [PoolState.Action]) {
        actions += more
        guard !isPerforming else { return }
        // Before anybody is answered: who hears of a failure and then asks must not be told that all is well.
        publishStatus()
        isPerforming = true
        var next = 0
        while next < actions.count {
            perform(actions[next])
            next += 1
        }
        actions.removeAll(keepingCapacity: true)
        isPerforming = false
    }

    private func perform(_ action: PoolState.Action) {
        switch action {
        case .open(let id):
            let session = Session(id: id, configuration: configuration, route: route, logger: logger)
            sessions[id] = session
            handleEvents(of: session)
        case .serve(let waiter, let id): serve(waiter, id)
        case .fail(let waiter, let error): requests.removeValue(forKey: waiter)?.answer(.failure(error))
        case .close(let id):
            let session = sessions.removeValue(forKey: id)
            uses[id] = nil
            session?.close("It is no longer needed")
        }
    }

    private func serve(_ waiter: Request.ID, _ id: PoolState.ConnectionID) {
        guard let session = sessions[id] else { return perform(pool.lost(id, nil, now: .now)) }
        uses[id] = .statement
        guard let request = requests.removeValue(forKey: waiter) else { return settle(session) }
        switch request.work {
        case .connect:
            request.answer(.success(.done))
            settle(session)
        case .lease:
            // Answered before means cancelled: nobody would ever give it back.
            if request.answer(.success(.lease(id))) { uses[id] = .exclusive } else { settle(session) }
        case .query, .script:
            session.enqueue(request)
            if let limit = configuration.serverSideLimit { session.expectAnswer(by: .now + limit + PoolLoop.grace) }
            handleEvents(of: session)
            settle(session)
        }
    }

    // MARK: - What happens on connections

    private func handleEvents(of session: Session) {
        for event in session.takeEvents() {
            switch event {
            case .ready: perform(pool.connected(session.id, now: .now))
            case .connectFailed(let error):
                sessions[session.id] = nil
                logger?.warning("cannot connect to the database", metadata: ["error": "\(error)"])
                let jitter = Double.random(in: 0...1)
                perform(pool.connectFailed(session.id, error, now: .now, jitter: jitter))
            case .finished: settle(session)
            case .lost(let error): forget(session, error)
            case .failedOver(let error):
                forget(session, error)
                for (id, use) in uses {
                    if case .exclusive = use { continue }
                    uses[id] = .released(reusable: false)
                }
                perform(pool.retireIdle(now: .now))
                listener.check()
            case .notification: break
            }
        }
    }

    private func forget(_ session: Session, _ error: PostgresError) {
        guard sessions.removeValue(forKey: session.id) != nil else { return }
        uses[session.id] = nil
        if closing == nil { logger?.warning("lost a database connection", metadata: ["error": "\(error)"]) }
        perform(pool.lost(session.id, error, now: .now))
    }

    /// Gives a connection back to the pool when its user is done with it and no transaction is left open.
    private func settle(_ session: Session) {
        guard session.isDrained, !session.isClosed, let use = uses[session.id] else { return }
        switch use {
        case .exclusive: return
        case .released(reusable: false): return discard(session)
        case .statement, .released(reusable: true), .rollingBack: break
        }
        switch (session.transactionStatus, use) {
        case (.idle, _):
            uses[session.id] = nil
            perform(pool.released(session.id, now: .now))
        case (.inTransaction, .statement), (.inTransaction, .released):
            uses[session.id] = .rollingBack
            session.enqueue(Request(.script("ROLLBACK")))
        default: discard(session)
        }
    }

    private func discard(_ session: Session) {
        sessions[session.id] = nil
        uses[session.id] = nil
        session.close("It was given up")
        perform(pool.lost(session.id, nil, now: .now))
    }
}
