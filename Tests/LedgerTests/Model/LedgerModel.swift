/// The budget ledger as its design says it works, one request after the other: slow, obvious and without SQL.
///
/// It is written from the design and from the contracts above the SQL functions, never from their bodies.
struct LedgerModel: Sendable {
    var policies: [BudgetPolicy.Key: BudgetPolicy] = [:]
    var freezes: Set<Scope> = []
    var exemptAgents: Set<String> = []
    /// The number of the window that each policy is in; 0 unless it says so.
    var windows: [BudgetPolicy.Key: Int] = [:]
    var buckets: [Bucket.Key: Bucket] = [:]
    var holds: [HoldName: Hold] = [:]

    /// Dispatches, then settlements, then cancellations, then reservations; one answer an item, moves first.
    mutating func apply(_ batch: Batch) -> [Answer] {
        let before = batch.moves.map { move in holds[move.name]?.state }
        for move in batch.moves where move.kind == .dispatch && holds[move.name]?.state == .held {
            holds[move.name]?.state = .dispatched
        }
        // Of several moves of one hold the first counts.
        var closed: Set<HoldName> = []
        for kind in [Move.Kind.settle, .cancel] {
            for move in batch.moves where move.kind == kind && closed.insert(move.name).inserted {
                close(move.name, actual: move.actual, wasStarted: kind == .settle)
            }
        }
        let moved = zip(batch.moves, before).map { move, before in
            answer(to: move, before: before, after: holds[move.name]?.state)
        }
        return moved + reserve(batch.reservations)
    }

    private func answer(to move: Move, before: Hold.State?, after: Hold.State?) -> Answer {
        let word =
            if after == nil {
                "unknown"
            } else if move.kind == .dispatch {
                before == .held ? "done" : before == .dispatched ? "replay" : "refused"
            } else {
                before == after ? "replay" : "done"
            }
        return Answer(answer: word, state: after?.rawValue)
    }

    private mutating func reserve(_ reservations: [Reservation]) -> [Answer] {
        let known = Set(holds.keys)
        var seen = known
        let new = reservations.filter { reservation in seen.insert(reservation.name).inserted }
        let total = organisationsDay(of: new)
        var first: [HoldName: Verdict] = [:]
        return reservations.map { reservation in
            var answer = Answer(answer: "normal", isReplay: true, totalBefore: total)
            if let verdict = first[reservation.name] {
                // A name counts once a batch: the second gets the first one's refusal, or its grant.
                if verdict.reason != nil { answer = Answer(verdict, isReplay: false, totalBefore: total) }
            } else if !known.contains(reservation.name) {
                let verdict = grant(reservation).verdict
                first[reservation.name] = verdict
                answer = Answer(verdict, isReplay: false, totalBefore: total)
            }
            answer.state = holds[reservation.name]?.state.rawValue
            answer.estimate = holds[reservation.name]?.estimate
            return answer
        }
    }

    /// One call of `moose.reserve_batch`, whose names are all new.
    mutating func reserveDirectly(_ reservations: [Reservation]) -> [DirectAnswer] {
        let total = organisationsDay(of: reservations)
        return reservations.map { reservation in
            let (verdict, isSwitched) = grant(reservation)
            return DirectAnswer(
                status: verdict.status, reason: verdict.reason, isSwitched: isSwitched, totalBefore: total)
        }
    }

    /// What the organisation's day has used; nil when none of them counts in it.
    private func organisationsDay(of reservations: [Reservation]) -> Int64? {
        let day = BudgetPolicy.Key(scope: .org, period: .day)
        let keys = reservations.flatMap { reservation in bucketKeys(of: reservation.path) }
        return keys.first { key in key.policy == day && !key.isExempt }.map { key in
            buckets[key, default: Bucket()].used
        }
    }
}

extension Answer {
    fileprivate init(_ verdict: Verdict, isReplay: Bool, totalBefore: Int64?) {
        self.init(answer: verdict.status, reason: verdict.reason, isReplay: isReplay, totalBefore: totalBefore)
    }
}
