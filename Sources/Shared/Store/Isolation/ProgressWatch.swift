/// Whether a loop gets on. It is in trouble when work has waited for it for long and nothing of it went through
/// meanwhile, whatever the reason; a loop without work is never in trouble. Pure: its owner feeds it.
package struct ProgressWatch: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// How long nothing may go through while work waits.
    package let patience: Duration
    private var waiting = 0
    /// Since when work waits without anything going through.
    private var since: Instant?
    private var reason: String?

    /// - Parameter patience: default 30 s, more than a slow statement and a reconnect take together.
    package init(patience: Duration = .seconds(30)) { self.patience = patience }

    /// So much waits now. From nothing to something starts the clock.
    package mutating func waits(_ count: Int, at now: Instant) {
        waiting = count
        if count == 0 {
            (since, reason) = (nil, nil)
        } else if since == nil {
            since = now
        }
    }

    /// Something went through: the clock starts anew.
    package mutating func progressed(at now: Instant) { (since, reason) = (waiting == 0 ? nil : now, nil) }

    /// Why the last try came to nothing.
    package mutating func failed(_ why: String) { reason = why }

    /// Nil while it gets on.
    ///
    /// - Parameter what: what it does not do, such as `claims are not answered`.
    package func trouble(_ what: String, at now: Instant) -> String? {
        guard let since, now - since > patience else { return nil }
        let (seconds, _) = (now - since).components
        return "\(what): \(waiting) for \(seconds) s" + (reason.map { ". \($0)" } ?? "")
    }
}
