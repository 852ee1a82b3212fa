/// Decides how many processes there should be. No clock, no servers: it is told the time and the figures.
///
/// It grows when slots are full (80 %) and a backlog has grown old or exceeds all slots: up to what the backlog needs,
/// at most doubling. It shrinks by one when one process fewer has been enough, at 70 % of its slots, for a whole calm
/// time. Between the two marks lies the hysteresis: what it shrank to is never busy enough to grow again at once.
package struct AutoscalePolicy: Sendable {
    /// What to do now.
    package enum Decision: Sendable, Equatable {
        case stay
        /// A new number of processes, and why, with the figures.
        case resize(to: Int, why: String)
    }

    /// The share of a lane's slots in use from which on it counts as full.
    static let busyShare = 0.8
    /// The share of the remaining slots that may be in use for a process to be spared.
    static let calmShare = 0.7

    private let terms: AutoscaleTerms
    private var lastChange: ContinuousClock.Instant?
    private var calmSince: ContinuousClock.Instant?

    package init(_ terms: AutoscaleTerms) { self.terms = terms }

    /// Judges one observation. `wanted` is the number of processes decided on last.
    package mutating func decide(
        _ seen: ScalingObservation, wanted: Int, at now: ContinuousClock.Instant
    ) -> Decision {
        guard terms.bounds.contains(wanted) else {
            let size = min(max(wanted, terms.bounds.lowerBound), terms.bounds.upperBound)
            return resize(size, "the bounds are \(terms.bounds.lowerBound):\(terms.bounds.upperBound)", at: now)
        }
        if let (size, why) = growth(seen, wanted: wanted) {
            calmSince = nil
            // New processes must show first what they are good for; with one on its way nobody knows yet.
            guard size > wanted, seen.starting == 0, hasPassed(terms.growCooldown, at: now) else { return .stay }
            return resize(size, why, at: now)
        }
        guard isCalm(seen, wanted: wanted) else {
            calmSince = nil
            return .stay
        }
        let since = calmSince ?? now
        calmSince = since
        guard now - since >= terms.shrinkAfter, hasPassed(terms.shrinkAfter, at: now) else { return .stay }
        return resize(wanted - 1, "calm for \(text(now - since)): \(seen.figures)", at: now)
    }

    /// The figures could not be read: nothing is known, so nothing is calm.
    package mutating func figuresMissing() { calmSince = nil }

    /// How many processes the fullest lane needs, and why; nil where no lane is short of slots.
    private func growth(_ seen: ScalingObservation, wanted: Int) -> (size: Int, why: String)? {
        var largest: (size: Int, why: String)?
        for lane in seen.lanes where lane.slotsPerProcess > 0 {
            let slots = seen.ready * lane.slotsPerProcess
            guard lane.queued > 0, slots > 0, Double(lane.running) >= Double(slots) * Self.busyShare,
                lane.oldestAge >= terms.growAfter || lane.queued >= slots
            else { continue }
            let need = (lane.queued + lane.running + lane.slotsPerProcess - 1) / lane.slotsPerProcess
            let size = min(terms.bounds.upperBound, max(wanted, min(need, wanted * 2)))
            if size > largest?.size ?? 0 { largest = (size, lane.figures(ready: seen.ready)) }
        }
        return largest
    }

    /// Whether one process fewer would have slots to spare in every lane, and no backlog is old.
    private func isCalm(_ seen: ScalingObservation, wanted: Int) -> Bool {
        guard wanted > terms.bounds.lowerBound, seen.draining == 0 else { return false }
        return seen.lanes.allSatisfy { lane in
            Double(lane.queued + lane.running) <= Double((wanted - 1) * lane.slotsPerProcess) * Self.calmShare
                && lane.oldestAge < max(terms.growAfter, .seconds(1))
        }
    }

    private func hasPassed(_ cooldown: Duration, at now: ContinuousClock.Instant) -> Bool {
        lastChange.map { now - $0 >= cooldown } ?? true
    }

    private mutating func resize(_ size: Int, _ why: String, at now: ContinuousClock.Instant) -> Decision {
        lastChange = now
        calmSince = nil
        return .resize(to: size, why: why)
    }
}

extension ScalingObservation {
    /// Every lane in figures, for the log.
    package var figures: String { lanes.map { $0.figures(ready: ready) }.joined(separator: "; ") }
}

extension ScalingObservation.Lane {
    /// The lane in figures, for the log.
    func figures(ready: Int) -> String {
        "lane \(name): \(queued) queued, oldest \(text(oldestAge)), slots \(running)/\(ready * slotsPerProcess) busy"
    }
}

/// Seconds with one decimal.
func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    return "\(seconds).\(attoseconds / 100_000_000_000_000_000) s"
}
