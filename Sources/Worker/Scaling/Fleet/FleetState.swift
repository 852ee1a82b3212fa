/// The rules by which a parent keeps its worker processes: starts, restarts with a backoff, drains, replaces. Pure: it is
/// told what happened and when, and says what to do.
package struct FleetState: Sendable {
    package let terms: FleetTerms
    /// By number, in the order they were started first.
    package private(set) var members: [FleetMember] = []
    /// How many are meant to take work.
    package private(set) var wanted: Int
    package private(set) var isStopping = false
    package private(set) var restarts = 0
    private var isFinished = false
    /// Whether a process ended badly while the whole group drained.
    private var hasLosses = false

    package init(_ terms: FleetTerms) {
        self.terms = terms
        wanted = terms.processes
    }

    /// Those that are meant to take work.
    package var active: [FleetMember] { members.filter { !$0.isDraining } }
    package var ready: [FleetMember] { members.filter { $0.phase == .ready } }

    package mutating func begin(at now: ContinuousClock.Instant) -> [FleetAction] { settle(at: now) }

    /// A new number of processes was decided on.
    package mutating func resize(to count: Int, at now: ContinuousClock.Instant) -> [FleetAction] {
        wanted = count
        return settle(at: now)
    }

    /// A process told how it is.
    package mutating func reported(
        _ number: Int, _ report: ProcessReport, at now: ContinuousClock.Instant
    ) -> [FleetAction] {
        guard let index = index(number), members[index].isAlive else { return [] }
        members[index].report = report
        members[index].reportedAt = now
        var actions: [FleetAction] = []
        if report.ready, members[index].phase == .starting {
            members[index].phase = .ready
            members[index].readyAt = now
            actions.append(.log(FleetNote(.info, "a process is ready", process: number)))
            if let old = members[index].replaces {
                members[index].replaces = nil
                if let index = self.index(old), members[index].phase == .ready {
                    actions += retire(index, "its replacement is ready", at: now)
                }
            }
        }
        return actions + settle(at: now)
    }

    /// A process is gone.
    package mutating func ended(
        _ number: Int, _ ending: ProcessEnding, at now: ContinuousClock.Instant
    ) -> [FleetAction] {
        guard let index = index(number), members[index].isAlive else { return [] }
        let member = members[index]
        if isStopping || member.isDraining {
            members.remove(at: index)
            if isStopping, !ending.isClean { hasLosses = true }
            let note =
                ending.isClean
                ? FleetNote(.info, "a process has drained", process: number)
                : FleetNote(.warning, "a process \(ending) while it drained", process: number)
            return [.log(note)] + settle(at: now)
        }
        if ending.isClean {
            members.remove(at: index)
            guard !terms.replacesDrained else {
                return [.log(FleetNote(.info, "a process was drained by somebody; it is replaced", process: number))]
                    + settle(at: now)
            }
            wanted -= 1
            let text = "a process was drained by somebody; it is not replaced"
            return [.log(FleetNote(.info, text, process: number))] + settle(at: now)
        }
        return crashed(index, ending, at: now) + settle(at: now)
    }

    /// Time has passed.
    package mutating func tick(at now: ContinuousClock.Instant) -> [FleetAction] { settle(at: now) }

    /// The whole group drains; `settle` says when it is gone.
    package mutating func stop(at now: ContinuousClock.Instant) -> [FleetAction] {
        guard !isStopping else { return [] }
        isStopping = true
        members.removeAll { !$0.isAlive }
        var actions: [FleetAction] = []
        for index in members.indices {
            members[index].phase = .draining(since: now)
            actions.append(.drain(members[index].number))
        }
        return actions + settle(at: now)
    }

    private func index(_ number: Int) -> Int? { members.firstIndex { $0.number == number } }

    private mutating func crashed(
        _ index: Int, _ ending: ProcessEnding, at now: ContinuousClock.Instant
    ) -> [FleetAction] {
        let member = members[index]
        let wasSteady = member.readyAt.map { now - $0 >= terms.steadyAfter } ?? false
        var failures = wasSteady ? 1 : member.failures + 1
        if ending.isPermanent, member.readyAt == nil { failures = max(failures, terms.loopAfter) }
        let wait = terms.backoff(after: failures)
        members[index].failures = failures
        members[index].lastEnding = ending
        members[index].phase = .waiting(until: now + wait)
        members[index].readyAt = nil
        members[index].report = nil
        members[index].reportedAt = nil
        let isLoop = failures >= terms.loopAfter
        let text = "a process \(ending); \(isLoop ? "crash loop, failure \(failures)" : "it is started again")"
        var actions = [FleetAction.log(FleetNote(.error, "\(text) in \(wait)", process: member.number))]
        // Once a loop, not once a round.
        if isLoop, member.failures < terms.loopAfter { actions.append(.reportCrashLoop(member.number, ending)) }
        return actions
    }

    private mutating func retire(
        _ index: Int, _ why: String, at now: ContinuousClock.Instant
    ) -> [FleetAction] {
        let number = members[index].number
        let running = members[index].report?.running ?? 0
        members[index].phase = .draining(since: now)
        let text = "a process is drained, its \(running) jobs run to their end: \(why)"
        return [.retire(number), .log(FleetNote(.info, text, process: number))]
    }

    /// Brings what there is in line with what is wanted.
    private mutating func settle(at now: ContinuousClock.Instant) -> [FleetAction] {
        guard !isFinished else { return [] }
        if let status = finalStatus {
            isFinished = true
            guard !members.isEmpty else { return [.finish(status)] }
            return [
                .log(FleetNote(.error, "no process can be started; giving up with status \(status)")), .finish(status),
            ]
        }
        guard !isStopping else { return overdue(at: now) }
        return trim(at: now) + recycle(at: now) + fill(at: now) + restart(at: now)
    }

    /// What to exit with when there is nothing left to do; nil while there is.
    private var finalStatus: Int32? {
        if members.isEmpty, isStopping || wanted == 0 { return hasLosses ? 1 : 0 }
        guard !isStopping, !members.isEmpty,
            members.allSatisfy({ !$0.isAlive && $0.failures >= terms.loopAfter })
        else { return nil }
        return members.last?.lastEnding?.status ?? 1
    }

    /// Only a stop has a time limit; a retired process has all the time its jobs need.
    private mutating func overdue(at now: ContinuousClock.Instant) -> [FleetAction] {
        var actions: [FleetAction] = []
        for index in members.indices {
            guard case .draining(let since) = members[index].phase, now - since > terms.drainLimit else {
                continue
            }
            members[index].phase = .draining(since: now)
            let text = "a process has not drained in \(terms.drainLimit); it is killed"
            actions.append(.log(FleetNote(.error, text, process: members[index].number)))
            actions.append(.kill(members[index].number))
        }
        return actions
    }

    /// Processes started ahead of those they replace come on top.
    private var target: Int { wanted + active.count { $0.replaces != nil } }

    private mutating func trim(at now: ContinuousClock.Instant) -> [FleetAction] {
        var actions: [FleetAction] = []
        while active.count > target {
            let victims = active.filter { $0.replaces == nil }
            guard let victim = victims.min(by: { $0.isSparedBefore($1) }), let index = index(victim.number) else {
                break
            }
            if victim.isAlive {
                actions += retire(index, "\(wanted) are enough", at: now)
            } else {
                members.remove(at: index)
            }
        }
        return actions
    }

    /// One process over its limit at a time: its replacement first, then its drain.
    private mutating func recycle(at now: ContinuousClock.Instant) -> [FleetAction] {
        guard let limit = terms.maxResidentBytes else { return [] }
        if let index = members.firstIndex(where: { $0.replaces != nil }) {
            let replacement = members[index]
            guard let old = replacement.replaces.flatMap(self.index), members[old].phase == .ready else {
                // It died first; the replacement takes its place.
                members[index].replaces = nil
                return trim(at: now)
            }
            guard now - replacement.startedAt > terms.replacementPatience || replacement.failures > 0 else { return [] }
            members[index].replaces = nil
            return retire(old, "over its memory limit, and its replacement is late", at: now)
        }
        let old = ready.first { member in
            (member.report?.residentBytes ?? 0) > limit && now - member.startedAt >= terms.replaceableAfter
        }
        guard let old else { return [] }
        var replacement = FleetMember(number: freeNumber, startedAt: now)
        replacement.replaces = old.number
        members.append(replacement)
        let held = old.report?.residentBytes ?? 0
        let text =
            "a process holds \(held) bytes, \(limit) are allowed; process \(replacement.number) is started to replace it"
        return [.log(FleetNote(.warning, text, process: old.number)), .start(replacement.number)]
    }

    private mutating func fill(at now: ContinuousClock.Instant) -> [FleetAction] {
        var actions: [FleetAction] = []
        while active.count < target {
            let member = FleetMember(number: freeNumber, startedAt: now)
            members.append(member)
            actions.append(.start(member.number))
        }
        return actions
    }

    private mutating func restart(at now: ContinuousClock.Instant) -> [FleetAction] {
        var actions: [FleetAction] = []
        for index in members.indices {
            guard case .waiting(let until) = members[index].phase, until <= now else { continue }
            members[index].phase = .starting
            members[index].startedAt = now
            restarts += 1
            actions.append(.start(members[index].number))
        }
        return actions
    }

    private var freeNumber: Int {
        var number = 1
        while index(number) != nil { number += 1 }
        return number
    }
}
