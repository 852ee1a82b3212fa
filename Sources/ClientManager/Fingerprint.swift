internal import WorkOrders

/// Groups equal failures: one cause is one escalation. A server that is away, and a budget that is full, are a cause
/// whoever noticed and in whatever words; else it is class, component, operation, handler, the facts, and the message
/// without what differs each time. The database keeps a digest of it, so that its length is nobody's concern.
enum Fingerprint {
    /// Raised when the normalisation changes, so that old and new groups don't mix.
    static let version = "v1"

    static func of(_ event: ErrorEvent) -> String {
        let details = event.details ?? [:]
        if let server = details[.away] { return "\(version)|away|\(server)" }
        if let budget = budget(event, details) { return "\(version)|budget|\(budget)" }
        return [
            version, event.failureClass ?? FailureClass.unknown.rawValue, event.component, event.operation,
            event.causeDetails, ErrorEvent.normalised(event.message),
        ].joined(separator: "|")
    }

    /// Which budget, and in which of its three troubles: past a limit, frozen, or without room. Whether what fills it is
    /// spent or still held changes by the minute.
    private static func budget(_ event: ErrorEvent, _ details: [String: String]) -> String? {
        guard event.failureClass == FailureClass.budgetExceeded.rawValue, let scope = details[.scope],
            let name = details[.name], let period = details[.period], let reason = details[.reason]
        else { return nil }
        let isFull = ["spent", "held_retry"].contains(reason)
        return [scope, name, period, isFull ? "full" : reason].joined(separator: "|")
    }
}
