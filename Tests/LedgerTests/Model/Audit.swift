import Postgres

/// Compares what the database holds with what a model predicts, bucket by bucket, hold by hold, entry by entry; and
/// checks what must be true of any ledger.
struct Audit {
    let run: (Query) async throws -> PostgresResult

    /// - Returns: each difference as a sentence; none when all is well.
    func differences(from model: LedgerModel) async throws -> [String] {
        let (keys, buckets) = try await storedBuckets(windows: model.windows)
        let entries = try await storedEntries()
        let holds = try await storedHolds(keys, entries)
        var found: [String] = []
        for key in Set(buckets.keys).union(model.buckets.keys) {
            let (expected, stored) = (model.buckets[key, default: Bucket()], buckets[key, default: Bucket()])
            if expected != stored { found.append("bucket \(key): expected \(expected), is \(stored)") }
        }
        for name in Set(holds.keys).union(model.holds.keys) {
            let (expected, stored) = (model.holds[name], holds[name])
            if expected?.stored != stored {
                found.append("hold \(name): expected \(String(describing: expected)), is \(String(describing: stored))")
            }
        }
        return try await found + violations()
    }

    private func storedBuckets(
        windows: [BudgetPolicy.Key: Int]
    ) async throws -> (keys: [Int64: Bucket.Key], buckets: [Bucket.Key: Bucket]) {
        var keys: [Int64: Bucket.Key] = [:]
        var buckets: [Bucket.Key: Bucket] = [:]
        let result = try await run(
            """
            SELECT b.id, p.scope, p.name, p.period, b.exempt, b.held_u, b.posted_u,
                   CASE WHEN p.period = 'total' THEN 0
                        ELSE round(extract(epoch FROM u.window_start - b.window_start) / (86400 * 400))::int8 END
            FROM moose.budget_buckets b JOIN moose.budget_policies p ON p.id = b.policy_id
            CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) u
            """)
        for row in result.rows {
            guard let kind = Scope.Kind(rawValue: try row.decode(1)),
                let period = BudgetPolicy.Period(rawValue: try row.decode(3))
            else { continue }
            let policy = BudgetPolicy.Key(scope: Scope(kind: kind, name: try row.decode(2)), period: period)
            let shifts: Int64 = try row.decode(7)
            let window = shifts == 0 ? windows[policy, default: 0] : Int(shifts) - 1
            let key = Bucket.Key(policy: policy, isExempt: try row.decode(4), window: window)
            keys[try row.decode(0)] = key
            buckets[key] = Bucket(held: try row.decode(5), posted: try row.decode(6))
        }
        return (keys, buckets)
    }

    private func storedEntries() async throws -> [HoldName: Set<Hold.Entry>] {
        var entries: [HoldName: Set<Hold.Entry>] = [:]
        let result = try await run(
            "SELECT owner, token, number, entry, nth, amount_u FROM moose.cost_tracking WHERE amount_u <> 0")
        for row in result.rows {
            guard let kind = Hold.Entry.Kind(rawValue: try row.decode(3)) else { continue }
            entries[try name(row), default: []].insert(
                Hold.Entry(kind: kind, number: try row.decode(4), amount: try row.decode(5)))
        }
        return entries
    }

    private func storedHolds(
        _ keys: [Int64: Bucket.Key], _ entries: [HoldName: Set<Hold.Entry>]
    ) async throws -> [HoldName: StoredHold] {
        var holds: [HoldName: StoredHold] = [:]
        let result = try await run(
            """
            SELECT owner, token, number, state, estimate_u, actual_u, late, handler, bucket_ids, caps_u
            FROM moose.budget_holds
            """)
        for row in result.rows {
            let ids: [Int64] = try row.decode(8)
            let limits: [Int64?] = try row.decode(9)
            var caps: [Bucket.Key: Int64?] = [:]
            for (id, cap) in zip(ids, limits) { if let key = keys[id] { caps.updateValue(cap, forKey: key) } }
            let name = try name(row)
            holds[name] = StoredHold(
                state: try row.decode(3), estimate: try row.decode(4), actual: try row.decode(5),
                handler: try row.decode(7), caps: caps, isLate: try row.decode(6), entries: entries[name, default: []])
        }
        return holds
    }

    private func name(_ row: PostgresRow) throws -> HoldName {
        HoldName(owner: try row.decode(0), token: try row.decode(1), number: try row.decode(2))
    }
}
