internal import IOThread
internal import Logging

/// The one connection that LISTENs for all subscribers, and its way back after a loss. Owned by the I/O thread.
final class NotificationListener {
    struct Subscriber: Sendable {
        typealias ID = UInt64

        let id: ID
        let channel: String
        let continuation: AsyncStream<PostgresNotification>.Continuation
    }

    private let configuration: PostgresConfiguration
    private let route: Route
    private let logger: Logger?
    private var backoff = Backoff()
    private var subscribers: [Subscriber.ID: Subscriber] = [:]
    private(set) var session: Session?
    private var isReady = false
    /// Requests to listen that are on their way, with their channel.
    private var listening: [Request.ID: String] = [:]
    private var retryAt: ContinuousClock.Instant?

    /// How long the server may take to answer a look at the connection.
    private static let patience = Duration.seconds(5)

    init(configuration: PostgresConfiguration, route: Route, logger: Logger?) {
        self.configuration = configuration
        self.route = route
        self.logger = logger
    }

    var nextDeadline: ContinuousClock.Instant? { session == nil ? retryAt : session?.deadline }

    func subscribe(_ subscriber: Subscriber) {
        subscribers[subscriber.id] = subscriber
        if isReady { listen(subscriber.channel) }
        advance(now: .now)
    }

    func unsubscribe(_ id: Subscriber.ID) {
        guard let channel = subscribers.removeValue(forKey: id)?.channel else { return }
        if subscribers.isEmpty {
            closeSession()
        } else if isReady, !subscribers.values.contains(where: { other in other.channel == channel }) {
            session?.enqueue(Request(.script("UNLISTEN \(SQLQuoting.identifier(channel))")))
        }
    }

    /// Connects when there is somebody to listen for and the pause after a failure is over; gives up what hangs.
    func advance(now: ContinuousClock.Instant) {
        session?.checkDeadline(now: now)
        handleEvents()
        guard session == nil, !subscribers.isEmpty else { return }
        if let retryAt, now < retryAt { return }
        session = Session(id: 0, configuration: configuration, route: route, logger: logger)
        handleEvents()
    }

    /// The session's socket is ready.
    func receive() {
        session?.advance()
        handleEvents()
    }

    /// Another connection found that the server failed over: this one must answer soon, or is made anew.
    func check() {
        guard isReady, let session else { return }
        session.enqueue(Request(.script("SELECT 1")))
        session.expectAnswer(by: .now + NotificationListener.patience)
    }

    /// Ends all streams.
    func close() {
        for subscriber in subscribers.values { subscriber.continuation.finish() }
        subscribers = [:]
        closeSession()
    }

    private func handleEvents() {
        while let events = session?.takeEvents(), !events.isEmpty {
            for event in events { handle(event) }
        }
    }

    private func handle(_ event: Session.Event) {
        switch event {
        case .ready:
            isReady = true
            backoff.succeeded()
            retryAt = nil
            for channel in Set(subscribers.values.map(\.channel)) { listen(channel) }
        case .notification(let notification): send(notification)
        case .finished(let request, let error):
            guard let channel = listening.removeValue(forKey: request.id) else { return }
            if let error {
                logger?.error("cannot listen", metadata: ["channel": "\(channel)", "error": "\(error)"])
                // A name that is none never becomes one; everything else passes, so it is tried again.
                if error.sqlState?.hasPrefix("42") == true { finish(channel) } else { reconnectLater() }
            } else {
                send(PostgresNotification(channel: channel, kind: .listening))
            }
        case .connectFailed(let error), .lost(let error), .failedOver(let error):
            logger?.warning("the listening connection failed", metadata: ["error": "\(error)"])
            reconnectLater()
        }
    }

    private func reconnectLater() {
        retryAt = .now + backoff.failed()
        closeSession()
    }

    private func listen(_ channel: String) {
        let request = Request(.script("LISTEN \(SQLQuoting.identifier(channel))"))
        listening[request.id] = channel
        session?.enqueue(request)
    }

    private func send(_ notification: PostgresNotification) {
        for subscriber in subscribers.values where subscriber.channel == notification.channel {
            subscriber.continuation.yield(notification)
        }
    }

    private func finish(_ channel: String) {
        for subscriber in subscribers.values where subscriber.channel == channel {
            subscribers[subscriber.id] = nil
            subscriber.continuation.finish()
        }
    }

    private func closeSession() {
        session?.close("It is no longer needed")
        session = nil
        isReady = false
        listening = [:]
    }
}
