internal import CoreMetrics
package import FoundationEssentials
package import Logging
internal import Synchronization
internal import Telemetry
package import WorkOrders

/// The one call for whatever goes wrong outside the database's own transactions: it logs, and the event reaches an
/// escalation by one of three nets (see ``ReportDelivery``) under one id.
///
/// Never throws, never waits. Equal reports of a process are one event with a count: first at once, then every ten
/// minutes while they go on. All errors that a server's absence causes are equal.
package final class Reporter: Sendable {
    /// Who reports, unless a call says otherwise: `worker`, `client-manager`, `supervisor`, …
    package let component: String
    private struct State {
        var queue: ReportQueue
        /// Handed out, and neither taken by a net nor given back yet.
        var underway = 0
    }

    private let logger: Logger
    private let state: Mutex<State>
    private let wakeup: AsyncStream<Void>.Continuation
    /// Yields when there is something to deliver. For one ``ReportDelivery``.
    let wakeups: AsyncStream<Void>

    /// - Parameters:
    ///   - limit: events that may wait in memory. Default 1,000.
    ///   - span: how long equal reports are one event. Default 10 minutes.
    package init(component: String, logger: Logger, limit: Int = 1000, span: Duration = .seconds(600)) {
        self.component = component
        self.logger = logger
        state = Mutex(State(queue: ReportQueue(limit: limit, span: span)))
        (wakeups, wakeup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Reports an error.
    /// - Parameters:
    ///   - operation: what was being done: `heartbeat`, `relay`, …
    ///   - what: what did not happen because of it, in a few words that are the same each time.
    ///   - details: anything else worth knowing; no secrets.
    package func report(
        _ operation: String, _ what: String, error: any Error, workOrder: UUID? = nil, severity: Severity = .warning,
        details: [DetailKey: String] = [:], component: String? = nil
    ) {
        report(
            operation, what, error: error, workOrder: workOrder, severity: severity, details: details.named,
            component: component)
    }

    /// The same with details whose names are not Moose's.
    package func report(
        _ operation: String, _ what: String, error: any Error, workOrder: UUID? = nil, severity: Severity = .warning,
        details: [String: String], component: String? = nil
    ) {
        let away = AwayService.behind(error)
        send(
            event(
                operation, "\(what): \(error)", away == nil ? .of(error) : .infrastructure, workOrder, severity,
                away.map { details.adding($0.rawValue, as: .away) } ?? details, component),
            key: away.map { "away|\($0.rawValue)" }, what, error)
    }

    /// Reports a failure that no error value stands for.
    package func report(
        _ operation: String, _ what: String, failureClass: FailureClass, workOrder: UUID? = nil,
        severity: Severity = .warning, details: [DetailKey: String] = [:], component: String? = nil
    ) {
        report(
            operation, what, failureClass: failureClass, workOrder: workOrder, severity: severity,
            details: details.named, component: component)
    }

    /// The same with details whose names are not Moose's.
    package func report(
        _ operation: String, _ what: String, failureClass: FailureClass, workOrder: UUID? = nil,
        severity: Severity = .warning, details: [String: String], component: String? = nil
    ) {
        send(event(operation, what, failureClass, workOrder, severity, details, component), key: nil, what, nil)
    }

    /// A connection broke, and its client makes another: the same cause as every error that comes of it.
    func reportLoss(of service: AwayService, _ what: String, because cause: any Error, details: [String: String]) {
        send(
            event(
                service.rawValue, "\(what): \(cause)", .infrastructure, nil, .warning,
                details.adding(service.rawValue, as: .away), nil),
            key: "away|\(service.rawValue)", what, cause)
    }

    private func event(
        _ operation: String, _ message: String, _ failureClass: FailureClass, _ workOrder: UUID?,
        _ severity: Severity, _ details: [String: String], _ component: String?
    ) -> ErrorEvent {
        ErrorEvent(
            component: component ?? self.component, operation: operation, severity: severity,
            message: Redaction.hidingCredentials(in: message), workOrderID: workOrder, failureClass: failureClass,
            details: details.isEmpty ? nil : details)
    }

    private func send(_ event: ErrorEvent, key: String?, _ what: String, _ error: (any Error)?) {
        var metadata: Logger.Metadata = ["operation": "\(event.operation)"]
        if let error { metadata["error"] = "\(error)" }
        if let order = event.workOrderID { metadata["work_order"] = "\(order.text)" }
        for (name, value) in event.details ?? [:] { metadata[name] = "\(value)" }
        logger.log(level: event.severity == .critical ? .error : .warning, "\(what)", metadata: metadata)
        let key =
            key
            ?? [
                event.failureClass ?? "", event.component, event.operation, ErrorEvent.normalised(event.message),
                event.causeDetails, event.workOrderID?.uuidString ?? "",
            ].joined(separator: "|")
        let admission = state.withLock { $0.queue.admit(event, key: key, now: .now) }
        switch admission {
        case .queued: wake()
        case .coalesced: Counter(.reportsHeld, dimensions: [("why", "coalesced")]).increment()
        case .overflowed:
            Counter(.reportsHeld, dimensions: [("why", "overflowed")]).increment()
            logger.error("no room for this report but here", metadata: ["event": "\(event)"])
        }
    }

    func wake() { wakeup.yield() }

    /// The next events; each batch is answered by ``wereTaken(_:)`` or ``putBack(_:)``.
    func take(_ count: Int) -> [ErrorEvent] {
        state.withLock { state in
            let events = state.queue.take(count, now: .now)
            state.underway += events.count
            return events
        }
    }

    func wereTaken(_ events: [ErrorEvent]) { state.withLock { $0.underway -= events.count } }

    func putBack(_ events: [ErrorEvent]) {
        state.withLock { state in
            state.underway -= events.count
            state.queue.putBack(events)
        }
    }

    func endWindows() { state.withLock { $0.queue.endWindows(now: .now) } }

    /// A net has taken everything that was reported so far.
    package var isDelivered: Bool { state.withLock { $0.queue.isEmpty && $0.underway == 0 } }
}
