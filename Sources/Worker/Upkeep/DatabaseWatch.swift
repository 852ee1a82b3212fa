/// What becomes of the intake while the database is away, decided without I/O. Away for a moment: nothing. For longer: no
/// new deliveries, those that are there are kept. For very long: they go back to the queue, for workers that reach the
/// database, long before the broker's own time-out returns them. Back again: deliveries come as before.
struct DatabaseWatch {
    enum Step: Equatable { case nothing, stopIntake, giveBack, resume }

    /// Away for this long, the intake stops.
    let patience: Duration
    /// Away for this long, unclaimed deliveries go back.
    let giveBackAfter: Duration
    private var awaySince: ContinuousClock.Instant?
    private var isStopped = false
    private var hasGivenBack = false

    init(patience: Duration, giveBackAfter: Duration) {
        self.patience = patience
        self.giveBackAfter = giveBackAfter
    }

    /// Call it every moment; each step is answered once.
    mutating func look(isAway: Bool, at now: ContinuousClock.Instant) -> Step {
        guard isAway else {
            defer { (awaySince, isStopped, hasGivenBack) = (nil, false, false) }
            return isStopped ? .resume : .nothing
        }
        let since = awaySince ?? now
        awaySince = since
        if !isStopped, now - since >= patience {
            isStopped = true
            return .stopIntake
        }
        if isStopped, !hasGivenBack, now - since >= giveBackAfter {
            hasGivenBack = true
            return .giveBack
        }
        return .nothing
    }
}
