package import AMQP
internal import CoreMetrics
internal import FoundationEssentials
package import Logging
internal import Messaging
internal import Postgres
package import Spool
package import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

/// Carries a reporter's events to the first of three nets that takes them: the database's outbox, a confirmed publish,
/// the spool on disk. Each event has one id on every way, and the Client Manager counts an id once.
///
/// A net that answers late may have taken a batch all the same; the next net then gets it too. What this process and
/// those that died have spooled is handed over as soon as a server is back.
package final class ReportDelivery: Sendable {
    private struct State {
        var database = Breaker()
        var broker = Breaker()
        var replay = Breaker()
        var trouble: String?
    }

    private static let batch = 100
    let reporter: Reporter
    let store: Store?
    let publisher: AMQPPublisher?
    let spool: Spool?
    let logger: Logger
    private let patience: Duration
    private let state = Mutex(State())

    /// - Parameters:
    ///   - store, publisher, spool: the nets; nil leaves one out.
    ///   - logger: for the delivery's own troubles; must not lead back into the reporter.
    ///   - patience: how long to wait for the database, and again for the broker, before the next net is tried. An
    ///     event is in memory only that long. Default 1 s.
    package init(
        _ reporter: Reporter, store: Store?, publisher: AMQPPublisher?, spool: Spool?, logger: Logger,
        patience: Duration = .seconds(1)
    ) {
        self.reporter = reporter
        self.store = store
        self.publisher = publisher
        self.spool = spool
        self.logger = logger
        self.patience = patience
    }

    /// Nil while every report finds a net; for health checks.
    package var trouble: String? { state.withLock { $0.trouble } }

    /// Delivers until the task is cancelled; then ``finish(within:)`` is due.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    self.reporter.wake()
                    // Cancelled: the loop's condition ends it.
                    try? await Task.sleep(for: .seconds(1))
                }
            }
            group.addTask {
                for await _ in self.reporter.wakeups {
                    // A task of its own, which nobody cancels: what is on its way to a server needs no disk for a stop.
                    await Task { await self.deliverWaiting() }.value
                }
            }
            group.addTask { await self.replayAgainAndAgain() }
        }
    }

    /// Delivers or spools what is left, repeats that were only counted included. What no net takes in time is logged
    /// whole. Call it after ``run()`` has returned.
    package func finish(within limit: Duration = .seconds(10)) async {
        let deadline = ContinuousClock.now + limit
        reporter.endWindows()
        await deliverWaiting()
        while !reporter.isDelivered, ContinuousClock.now < deadline {
            // A cancelled task tries on without a pause; the deadline holds all the same.
            try? await Task.sleep(for: .milliseconds(200))
            await deliverWaiting()
        }
        let rest = reporter.take(.max)
        for event in rest { logger.critical("no net took this report", metadata: ["event": "\(event)"]) }
        reporter.wereTaken(rest)
    }

    private func deliverWaiting() async {
        while true {
            let events = reporter.take(Self.batch)
            if events.isEmpty { return }
            guard await deliver(events) else {
                reporter.putBack(events)
                return
            }
            reporter.wereTaken(events)
        }
    }

    private func deliver(_ events: [ErrorEvent]) async -> Bool {
        var messages: [OutgoingMessage] = []
        for event in events {
            do {
                messages.append(try .errorEvent(event))
            } catch {
                // Texts always encode. Should one not, the log is all there is.
                logger.critical("a report can't be written as JSON", metadata: ["event": "\(event)"])
            }
        }
        if await handOver(messages) { return true }
        return await keep(messages)
    }

    /// Nets one and two. False: neither took it.
    private func handOver(_ messages: [OutgoingMessage]) async -> Bool {
        if let store, state.withLock({ $0.database.isClosed(.now) }) {
            do {
                try await withDeadline(patience) { try await store.enqueue(messages) }
                took(\.database, messages.count, net: "outbox")
                return true
            } catch {
                missed(\.database, error)
            }
        }
        guard let publisher, state.withLock({ $0.broker.isClosed(.now) }) else { return false }
        do {
            try await publisher.publish(messages, deadline: patience)
            took(\.broker, messages.count, net: "broker")
            return true
        } catch {
            missed(\.broker, error)
            return false
        }
    }

    /// Net three. False: the events stay in memory, and it is tried again.
    private func keep(_ messages: [OutgoingMessage]) async -> Bool {
        guard let spool else { return false }
        do {
            let file = try await spool.append(messages.compactMap { SpoolRecord($0) }, as: .events)
            Counter(.reports, dimensions: [("net", "spool")]).increment(by: Int64(messages.count))
            state.withLock { $0.trouble = nil }
            logger.warning("reports are spooled", metadata: ["count": "\(messages.count)", "file": "\(file)"])
            return true
        } catch {
            Counter(.spoolFailures).increment()
            let isNew = state.withLock { state in
                defer { state.trouble = "reports wait in memory only: \(error)" }
                return state.trouble == nil
            }
            if isNew { logger.error("no net takes reports", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    private func took(_ net: WritableKeyPath<State, Breaker>, _ count: Int, net name: String) {
        state.withLock { state in
            state[keyPath: net].worked()
            state.trouble = nil
        }
        Counter(.reports, dimensions: [("net", name)]).increment(by: Int64(count))
    }

    private func missed(_ net: WritableKeyPath<State, Breaker>, _ error: any Error) {
        state.withLock { $0[keyPath: net].failed(.now) }
        logger.info("a net did not take reports; the next is tried", metadata: ["error": "\(error)"])
    }

    // MARK: Replay

    private func replayAgainAndAgain() async {
        while !Task.isCancelled {
            if state.withLock({ $0.replay.isClosed(.now) }) { await replay() }
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func replay() async {
        guard let spool else { return }
        do {
            Meter(.spoolBytes).set(Int64(try await spool.size()))
            let kinds = Set(SpoolKind.allCases)
            guard try await spool.hasFiles(kinds) else { return }
            let done = try await spool.replay(kinds) { kind, records in
                try await self.deliver(kind, records)
            }
            state.withLock { $0.replay.worked() }
            if done.files > 0 {
                logger.info("the spool was replayed", metadata: ["messages": "\(done.messages)"])
            }
            guard done.linesAside > 0 else { return }
            var details: [DetailKey: String] = [
                .lines: "\(done.linesAside)", .files: done.asideFiles.joined(separator: ", "),
            ]
            if !done.refusals.isEmpty {
                let refused = done.refusals.prefix(5).map { "\($0.id.uuidString.lowercased()): \($0.why)" }
                details[.refused] = refused.joined(separator: "; ")
            }
            reporter.report(
                "spool", "lines of the spool can't be read or sent; a torn write leaves one",
                failureClass: .malformedOutput,
                details: details,
                component: "reporting")
        } catch let error as SpoolError {
            state.withLock { $0.replay.failed(.now) }
            reporter.report("spool", "the spool can't be replayed", error: error, component: "reporting")
        } catch {
            // A server is away, and that is reported where it is needed: the files wait.
            state.withLock { $0.replay.failed(.now) }
        }
    }

    private func deliver(_ kind: SpoolKind, _ records: [SpoolRecord]) async throws -> [Int: String] {
        switch kind {
        case .events:
            if await handOver(records.map { OutgoingMessage($0) }) { return [:] }
            return try await enqueueEach(records)
        case .orders:
            guard let publisher else { throw NoNet() }
            return try await publisher.replay(records, deadline: .seconds(10))
        }
    }

    /// One event that the database refuses for what it is holds up no other.
    private func enqueueEach(_ records: [SpoolRecord]) async throws -> [Int: String] {
        guard let store else { throw NoNet() }
        var refused: [Int: String] = [:]
        var isOpen = false
        try await bisecting(Array(records.indices)) { some throws(PostgresError) in
            try await store.enqueue(some.map { OutgoingMessage(records[$0]) })
        } alone: { index, error in
            if error.fault == .item { refused[index] = "\(error)" } else { isOpen = true }
        }
        if isOpen { throw NoNet() }
        return refused
    }

    private struct NoNet: Error {}
}

extension Store {
    fileprivate func enqueue(_ messages: [OutgoingMessage]) async throws(PostgresError) {
        let rows = messages.compactMap { message in
            message.properties.messageID.flatMap { UUID(uuidString: $0) }.map { ($0, message) }
        }
        try await enqueue(
            ids: rows.map(\.0), exchanges: rows.map(\.1.exchange), routingKeys: rows.map(\.1.routingKey),
            types: rows.map { $0.1.properties.type ?? "" }, bodies: rows.map(\.1.body))
    }
}
