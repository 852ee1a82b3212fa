internal import Logging

/// One connection and the statements it runs, one at a time, in order. Owned by the I/O thread.
///
/// connecting → configuring → idle ⇄ (preparing →) executing; any → closed.
final class Session {
    enum Event {
        /// Connected and configured.
        case ready
        case connectFailed(PostgresError)
        case finished(Request, PostgresError?)
        /// It is closed; whatever ran on it was answered.
        case lost(PostgresError)
        /// It takes no more writes, or its server no longer answers; it is closed, too. The others of its client are to
        /// be looked at.
        case failedOver(PostgresError)
        case notification(PostgresNotification)
    }

    private enum Phase {
        case connecting(ServerLink.ConnectStep)
        case configuring, idle
        case preparing(name: String)
        case executing
        case closed
    }

    let id: PoolState.ConnectionID
    private let configuration: PostgresConfiguration
    private let route: Route
    private let logger: Logger?
    private var link: ServerLink?
    /// The hosts still to be tried, the present one first.
    private var hosts: [Int]
    /// What the hosts before it answered.
    private var refusals: [PostgresError] = []
    private var phase: Phase
    private var current: Request?
    private var pending: [Request] = []
    private var outcome: Result<PostgresResult?, ServerError> = .success(nil)
    private var prepared: PreparedStatements
    private var isRepeated = false
    private var mustFlush = false
    private var events: [Event] = []
    /// When what it waits for is taken to be lost: the attempt to connect, or a statement that should have ended.
    private(set) var deadline: ContinuousClock.Instant?

    /// Begins to connect, to one host after the other until one takes writes.
    init(id: PoolState.ConnectionID, configuration: PostgresConfiguration, route: Route, logger: Logger?) {
        self.id = id
        self.configuration = configuration
        self.route = route
        self.logger = logger
        hosts = route.order
        prepared = PreparedStatements(limit: configuration.isProbe ? 0 : 256)
        phase = .connecting(.writing)
        connect()
    }

    private func connect() {
        phase = .connecting(.writing)
        let share = configuration.connectTimeout / route.hosts.count
        deadline = .now + (route.hosts.count == 1 ? share : max(share, .seconds(2)))
        do throws(PostgresError) {
            let link = try ServerLink(configuration, host: route.hosts[hosts[0]], logger: logger)
            self.link = link
            if link.isBroken { failToConnect() }
        } catch {
            failToConnect(error)
        }
    }

    var fileDescriptor: Int32 { link?.fileDescriptor ?? -1 }
    var isClosed: Bool { if case .closed = phase { true } else { false } }
    private var isConnecting: Bool { if case .connecting = phase { true } else { false } }
    var isDrained: Bool { current == nil && pending.isEmpty }
    var transactionStatus: ServerLink.TransactionStatus { link?.transactionStatus ?? .unknown }

    var waitsToWrite: Bool { if case .connecting(let step) = phase { step == .writing } else { mustFlush } }
    var waitsToRead: Bool { if case .connecting(let step) = phase { step == .reading } else { !isClosed } }

    /// What happened since the last call, oldest first.
    func takeEvents() -> [Event] {
        let taken = events
        events = []
        return taken
    }

    /// Runs a request after those before it.
    func enqueue(_ request: Request) {
        guard !isClosed else {
            let error = PostgresError.connectionLost(reason: "It was closed before", outcomeUnknown: false)
            request.answer(.failure(error))
            return
        }
        pending.append(request)
        startNext()
    }

    /// Forgets a request that was not sent. Linear in the number of those.
    func abandon(_ request: Request) { pending.removeAll { waiting in waiting === request } }

    /// Closes the connection and answers what ran on it.
    func close(_ reason: String) { lose(reason) }

    /// Reads and writes as far as possible without blocking.
    func advance() {
        if case .connecting = phase { return continueConnecting() }
        guard !isClosed, let link else { return }
        guard link.consumeInput() else { return lose(link.errorMessage) }
        if mustFlush { flush() }
        receive()
    }

    /// Gives up what has taken longer than it can.
    func checkDeadline(now: ContinuousClock.Instant) {
        guard let deadline, deadline <= now else { return }
        switch phase {
        case .connecting, .configuring: failToConnect("No answer within \(configuration.connectTimeout)")
        default:
            lose("The server has not answered for longer than its own statement_timeout", isFailover: true)
        }
    }

    // MARK: - Connecting

    private func continueConnecting() {
        guard let link else { return }
        switch link.continueConnecting() {
        case .ready:
            phase = .configuring
            outcome = .success(nil)
            guard link.sendScript(setup(of: link)) else { return failToConnect() }
            flush()
        case .failed: failToConnect()
        case let step: phase = .connecting(step)
        }
    }

    private func setup(of link: ServerLink) -> String {
        if configuration.isProbe { return SessionFacts.query }
        return SessionPins(configuration: configuration).script(backend: route.acceptsPooler ? nil : link.backend)
    }

    /// The server has pinned the session and said what it is.
    private func configured(_ facts: SessionFacts?) {
        guard let facts else { return failToConnect(.unreachable(reason: "It doesn't answer as PostgreSQL does")) }
        let expected = configuration.isProbe || route.acceptsPooler ? nil : link?.backend
        if !configuration.isProbe, let problem = facts.problem(expected: expected) { return failToConnect(problem) }
        route.prefer(hosts[0])
        refusals = []
        phase = .idle
        deadline = nil
        events.append(.ready)
        startNext()
    }

    private func failToConnect(_ reason: String? = nil) {
        let message = reason ?? link?.errorMessage ?? ""
        let needsPassword = reason == nil && link?.needsPassword == true
        failToConnect(ConnectFailure.error(message: message, needsPassword: needsPassword))
    }

    private func failToConnect(_ error: PostgresError) {
        refusals.append(error)
        hosts.removeFirst()
        guard hosts.isEmpty else {
            link = nil
            outcome = .success(nil)
            mustFlush = false
            return connect()
        }
        end()
        events.append(.connectFailed(ConnectFailure.together(refusals)))
    }

    // MARK: - Statements

    private func startNext() {
        guard case .idle = phase else { return }
        while current == nil, !pending.isEmpty {
            let request = pending.removeFirst()
            if request.beginSending() {
                current = request
                isRepeated = false
                send(request)
            } else {
                events.append(.finished(request, nil))
            }
        }
    }

    private func send(_ request: Request) {
        guard let link else { return }
        outcome = .success(nil)
        var wasSent = false
        switch request.work {
        case .connect, .lease: wasSent = true
        case .script(let sql):
            phase = .executing
            wasSent = link.sendScript(sql)
        case .query(let query):
            switch prepared.plan(for: query) {
            case .prepared(let name):
                phase = .executing
                wasSent = link.sendExecute(name, query)
            case .unprepared:
                phase = .executing
                wasSent = link.sendExecute(nil, query)
            case .prepareAs(let name):
                phase = .preparing(name: name)
                wasSent = link.sendPrepare(name, query)
            }
        }
        if wasSent { flush() } else { refuse(link.errorMessage) }
    }

    /// libpq took nothing: a broken connection, or arguments it can't send, such as 65,536 parameters.
    private func refuse(_ reason: String) {
        if link?.isBroken != false { return lose(reason, wasSent: false) }
        outcome = .failure(ServerError(sqlState: "54000", message: reason))
        phase = .executing
        finish()
    }

    private func flush() {
        guard let link else { return }
        guard let isLeft = link.flush() else {
            // What the server said before it hung up may still be there to read; the next read finds the end.
            mustFlush = false
            return
        }
        mustFlush = isLeft
    }

    private func receive() {
        // Connecting: the server was refused, and another host is being tried.
        while let link, !isClosed, !isConnecting {
            while let notification = link.nextNotification() { events.append(.notification(notification)) }
            if case .idle = phase {
                // Parses what the server sends unasked: notifications, and why it ends the session.
                _ = link.isBusy
                while let notification = link.nextNotification() { events.append(.notification(notification)) }
                if link.isBroken { lose(link.errorMessage) }
                return
            }
            guard !link.isBusy else { return }
            guard let result = link.nextResult() else {
                finish()
                continue
            }
            switch result.kind {
            case .success: if case .success = outcome { outcome = .success(result) }
            case .copy: return lose("COPY is not supported here")
            case .failure(let error):
                if error.isFatal || error.sqlState.isEmpty || link.isBroken {
                    return lose(link.isBroken && error.sqlState.isEmpty ? link.errorMessage : error.message, error)
                }
                outcome = .failure(error)
            }
        }
    }

    /// The server is done with the message in flight.
    private func finish() {
        switch (phase, outcome) {
        case (.configuring, .failure(let error)): failToConnect(.server(error))
        case (.configuring, .success(let result)): configured(result.flatMap { SessionFacts($0.firstLine) })
        case (.preparing(let name), .success):
            guard let link, let current, case .query(let query) = current.work else { return }
            prepared.remember(name, query)
            outcome = .success(nil)
            phase = .executing
            if link.sendExecute(name, query) { flush() } else { refuse(link.errorMessage) }
        case (_, .success(let result)):
            complete(.success(result.map { result in .result(result) } ?? .done))
        case (_, .failure(let error)):
            if error.sqlState == "25006" {
                return lose(
                    "The server takes no writes any more: \(error.message) (SQLSTATE 25006)", wasSent: false,
                    isFailover: true)
            }
            if repeatsUnprepared(error) { return }
            complete(.failure(.server(error)))
        }
    }

    /// A plan that a change of the schema, or DISCARD, made useless fails before it does anything: once more, anew.
    private func repeatsUnprepared(_ error: ServerError) -> Bool {
        guard let current, case .query(let query) = current.work, ["0A000", "26000"].contains(error.sqlState),
            prepared.forget(query), !isRepeated, link?.transactionStatus == .idle
        else { return false }
        isRepeated = true
        phase = .idle
        send(current)
        return true
    }

    private func complete(_ answer: Result<Request.Answer, PostgresError>) {
        phase = .idle
        deadline = nil
        guard let request = current else { return }
        current = nil
        outcome = .success(nil)
        request.answer(answer)
        var failure: PostgresError?
        if case .failure(let error) = answer { failure = error }
        events.append(.finished(request, failure))
        startNext()
    }

    /// Limits the wait for the statement in flight, for users who can't have changed the server's own limit.
    func expectAnswer(by instant: ContinuousClock.Instant) { if current != nil { deadline = instant } }

    // MARK: - The end

    private func lose(
        _ reason: String, _ error: ServerError? = nil, wasSent: Bool = true, isFailover: Bool = false
    ) {
        guard !isClosed else { return }
        switch phase {
        case .connecting, .configuring:
            return failToConnect(error.map { error in "\(error.message) (SQLSTATE \(error.sqlState))" } ?? reason)
        default: break
        }
        // A statement that was only being prepared has done nothing.
        let isExecuting = if case .executing = phase { wasSent } else { false }
        let (request, others) = (current, pending)
        end()
        let reason = reason.isEmpty ? "It broke" : reason
        request?.answer(.failure(.connectionLost(reason: reason, outcomeUnknown: isExecuting)))
        for other in others { other.answer(.failure(.connectionLost(reason: reason, outcomeUnknown: false))) }
        let loss = PostgresError.connectionLost(reason: reason, outcomeUnknown: false)
        events.append(isFailover ? .failedOver(loss) : .lost(loss))
    }

    private func end() {
        phase = .closed
        link = nil
        current = nil
        pending = []
        deadline = nil
        mustFlush = false
    }
}
