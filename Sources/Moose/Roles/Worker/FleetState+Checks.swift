internal import Probes
internal import Worker

extension FleetState {
    /// What the parent's `/readyz` says: ready while at least one process takes work and none is in a crash loop,
    /// silent, or in trouble.
    func checks(at now: ContinuousClock.Instant) -> [ProbeCheck] {
        let counts =
            "\(ready.count) ready, \(active.count - ready.count) starting, "
            + "\(members.count - active.count) draining; \(wanted) wanted"
        return [ProbeCheck(name: "processes", isReady: !ready.isEmpty, detail: counts)]
            + members.map { member in
                let trouble = trouble(of: member, at: now)
                return ProbeCheck(name: "process \(member.number)", isReady: trouble == nil, detail: trouble)
            }
    }

    private func trouble(of member: FleetMember, at now: ContinuousClock.Instant) -> String? {
        if member.failures >= terms.loopAfter, member.phase != .ready {
            return "crash loop: it \(member.lastEnding?.description ?? "died")"
        }
        if let heard = member.reportedAt, now - heard > .seconds(10) { return "silent for \(now - heard)" }
        return member.report?.trouble
    }
}
