extension LedgerModel {
    /// The buckets of now that a path counts against. Exempt agents count apart in the days of the org and of projects.
    func bucketKeys(of path: WorkPath) -> [Bucket.Key] {
        let isExempt = path.agent.map { agent in exemptAgents.contains(agent) } ?? false
        return path.scopes.flatMap { scope in
            BudgetPolicy.Period.allCases.compactMap { period in
                let key = BudgetPolicy.Key(scope: scope, period: period)
                guard policies[key] != nil else { return nil }
                let isApart = isExempt && period == .day && (scope.kind == .org || scope.kind == .project)
                return Bucket.Key(policy: key, isExempt: isApart, window: windows[key, default: 0])
            }
        }
    }

    /// What a path would be told; takes nothing.
    func judge(_ estimate: Int64, _ path: WorkPath) -> Verdict {
        // Work that costs nothing passes when the money is gone.
        guard estimate > 0 else { return .granted(.normal) }
        var reason: Verdict.Reason?
        var tier = Verdict.Tier.normal
        for key in bucketKeys(of: path) {
            let bucket = buckets[key, default: Bucket()]
            let policy = key.isExempt ? BudgetPolicy() : policies[key.policy] ?? BudgetPolicy()
            if let refusal = refusal(of: estimate, by: policy, bucket, isFrozen: freezes.contains(key.policy.scope)) {
                reason = max(reason ?? refusal, refusal)
            } else if let hard = policy.hard, bucket.used + estimate > hard {
                tier = .economy
            } else if let soft = policy.soft, bucket.used + estimate > soft {
                tier = max(tier, .soft)
            }
        }
        return reason.map { reason in .refused(reason) } ?? .granted(tier)
    }

    private func refusal(
        of estimate: Int64, by policy: BudgetPolicy, _ bucket: Bucket, isFrozen: Bool
    ) -> Verdict.Reason? {
        let cap = policy.cap ?? .max
        if estimate > cap { return .neverFits }
        if isFrozen { return .frozen }
        if estimate > cap - bucket.posted { return .spent }
        if estimate > cap - bucket.used { return .heldRetry }
        return nil
    }

    /// Takes a new hold if it fits every bucket of its path: its own, or in economy mode, and where there is no money
    /// for its own, the cheaper one that fits.
    mutating func grant(_ reservation: Reservation) -> (verdict: Verdict, isSwitched: Bool) {
        let own = judge(reservation.estimate, reservation.path)
        if let other = reservation.alternative, let path = reservation.alternativePath {
            // A bucket is there from the first reservation that names it.
            if other.estimate < reservation.estimate,
                [.granted(.economy), .refused(.spent), .refused(.heldRetry)].contains(own)
            {
                let verdict = judge(other.estimate, path)
                if case .granted = verdict {
                    take(other.estimate, path, other.handler, for: reservation)
                    return (verdict, true)
                }
            }
        }
        if case .granted = own {
            take(reservation.estimate, reservation.path, reservation.path.handler, for: reservation)
        }
        return (own, false)
    }

    private mutating func take(_ estimate: Int64, _ path: WorkPath, _ handler: String?, for reservation: Reservation) {
        var caps: [Bucket.Key: Int64?] = [:]
        for key in bucketKeys(of: path) {
            caps.updateValue(key.isExempt ? nil : policies[key.policy]?.cap, forKey: key)
            buckets[key, default: Bucket()].held += estimate
        }
        holds[reservation.name] = Hold(
            state: reservation.isDispatched ? .dispatched : .held, estimate: estimate, handler: handler, caps: caps,
            isOverdue: reservation.isOverdue)
    }
}
