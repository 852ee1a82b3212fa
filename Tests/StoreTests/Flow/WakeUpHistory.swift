import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import WorkOrders

/// One history: clients that publish, claim, take, finish, lose, cancel and change budgets at random, and a broker that
/// is only a variable here; then everything is taken, run and finished until nothing moves any more.
final class WakeUpHistory: Sendable {
    struct Tally: CustomStringConvertible {
        var published = 0, completed = 0, released = 0, refused = 0, rescued = 0, cancelled = 0, unknown = 0
        var lostAnswers = 0, deadlocks = 0

        mutating func add(_ other: Tally) {
            published += other.published
            completed += other.completed
            released += other.released
            refused += other.refused
            rescued += other.rescued
            cancelled += other.cancelled
            unknown += other.unknown
            lostAnswers += other.lostAnswers
            deadlocks += other.deadlocks
        }

        var description: String {
            """
            \(published) orders, \(completed) completed, \(released) had dependencies, \(refused) refusals, \(rescued) rescues, \
            \(cancelled) cancels, \(unknown) unknown kinds, \(lostAnswers) answers lost, \(deadlocks) statements repeated
            """
        }
    }

    static let projects = ["a", "b"]
    private static let kinds = ["work": KindTerms(estimate: .zero), "rare": KindTerms(estimate: .zero)]

    let desk: StoreDesk
    private let seed: UInt64
    private let losesAnswers: Bool
    private let queue = Mutex(WakeUpQueue())
    private let counts = Mutex(Tally())

    init(_ desk: StoreDesk, seed: UInt64, losesAnswers: Bool) {
        self.desk = desk
        self.seed = seed
        self.losesAnswers = losesAnswers
    }

    var tally: Tally { counts.withLock { $0 } }

    /// The budgets of a database in which histories are played.
    static func prepare(_ desk: StoreDesk) async throws {
        try await desk.run(
            """
            UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 1000000000000000;
            INSERT INTO moose.budget_policies (scope, name, period, kill_u)
            SELECT 'project', p, 'total', 0 FROM unnest('{a,b}'::text[]) AS p
            """)
    }

    func begin() async throws {
        var generator = SplitMix64(seed: seed)
        for project in Self.projects {
            try await unfreeze(project)
            try await setFree(project, usd: .random(in: 0...40, using: &generator))
        }
    }

    /// Leaves nothing that waits, for the next history.
    func end() async throws {
        try await desk.run(
            """
            UPDATE moose.work_orders SET state = 'cancelled' WHERE state IN ('blocked', 'awaiting_budget');
            DELETE FROM moose.outbox
            """)
    }

    // MARK: The history

    func play(client: Int, steps: Int) async throws {
        var generator = SplitMix64(seed: seed &+ UInt64(client))
        for _ in 1...steps { try await step(&generator) }
    }

    private func step(_ generator: inout SplitMix64) async throws {
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<22: publish(&generator)
        case ..<52:
            let items = queue.withLock { queue in
                let taken = queue.takeMessages(upTo: .random(in: 1...4, using: &generator), using: &generator)
                // Delivered twice.
                if Int.random(in: 0..<10, using: &generator) == 0 { queue.messages += taken }
                return taken
            }
            let isOld = Int.random(in: 0..<3, using: &generator) == 0
            try await claim(items, isOld: isOld, park: Int.random(in: 0..<8, using: &generator) == 0)
            if Bool.random(using: &generator) { try await settle() }
        case ..<68: try await finish(&generator)
        case ..<78:
            let isOld = Int.random(in: 0..<3, using: &generator) == 0
            try await take(upTo: .random(in: 1...6, using: &generator), isOld: isOld, &generator)
        case ..<86: try await changeBudget(&generator)
        case ..<91: _ = try await again { try await self.desk.store.wakeForMoney() }
        case ..<95: try await loseWorker(&generator)
        case ..<98: try await cancel(&generator)
        case ..<99: try await stall(&generator)
        default: try await passTime()
        }
    }

    private func publish(_ generator: inout SplitMix64) {
        queue.withLock { queue in
            for _ in 1...Int.random(in: 1...3, using: &generator) {
                var id = UUID.timeOrdered()
                if !queue.planned.isEmpty, Bool.random(using: &generator) { id = queue.planned.removeFirst() }
                var dependencies: [UUID] = []
                while dependencies.count < 3, Int.random(in: 0..<10, using: &generator) < 4 {
                    if let other = queue.known.randomElement(using: &generator), other != id {
                        dependencies.append(other)
                    }
                    if Int.random(in: 0..<3, using: &generator) == 0 {
                        let later = UUID.timeOrdered()
                        queue.planned.append(later)
                        queue.known.append(later)
                        dependencies.append(later)
                    }
                }
                let body = Self.body(id, Array(Set(dependencies)), &generator)
                guard let form = try? WorkOrderMessage.decode(body, messageID: nil, lane: "default") else {
                    preconditionFailure("a test publishes what can be read")
                }
                queue.known.append(id)
                queue.messages.append(ClaimItem(form: form, body: body))
                counts.withLock { counts in
                    counts.published += 1
                    if !dependencies.isEmpty { counts.released += 1 }
                }
            }
        }
    }

    private static func body(_ id: UUID, _ dependsOn: [UUID], _ generator: inout SplitMix64) -> [UInt8] {
        let dependencies = dependsOn.map { "\"\($0)\"" }.joined(separator: ",")
        let kind = Int.random(in: 0..<5, using: &generator) == 0 ? "rare" : "work"
        let usd = [0, 0, 1, 3, 10, 30].randomElement(using: &generator) ?? 0
        let later = Int.random(in: 0..<10, using: &generator) == 0 ? #","run_at":"2100-01-01T00:00:00Z""# : ""
        let project = projects.randomElement(using: &generator) ?? "a"
        return Array(
            """
            {"id":"\(id)","kind":"\(kind)","title":"t","estimated_cost_usd":"\(usd)","project":"\(project)",
            "depends_on":[\(dependencies)]\(later)}
            """.utf8)
    }

    /// - Parameter isOld: the worker doesn't know the rare kind.
    private func claim(_ items: [ClaimItem], isOld: Bool = false, park: Bool = false) async throws {
        let name = UUID()
        var kinds = Self.kinds
        if isOld { kinds["rare"] = nil }
        let verdicts = try await again { try await self.desk.claim(items, claim: name, park: park, kinds: kinds) }
        settle(zip(items, verdicts).map { ($0.id, $1) })
    }

    private func finish(_ generator: inout SplitMix64) async throws {
        let runs = queue.withLock { $0.takeRunning(upTo: .random(in: 1...3, using: &generator), using: &generator) }
        let failure = AttemptFailure(.testFail, "no", retry: .after(.zero))
        let endings: [FinishItem.Ending] = [
            .completed, .completed, .completed, .failed(failure), .retry(failure, after: .zero),
            .retry(failure, after: .seconds(3600)), .snoozed(.seconds(60)), .interrupted,
        ]
        let items = runs.map { run in
            let cost: MicroUSD? =
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: nil
                case 1: MicroUSD(microdollars: .random(in: 0...40_000_000, using: &generator))
                default: .zero
                }
            return Self.finish(run, endings.randomElement(using: &generator) ?? .completed, cost: cost)
        }
        try await finish(items)
    }

    private static func finish(_ run: WakeUpQueue.Run, _ ending: FinishItem.Ending, cost: MicroUSD?) -> FinishItem {
        FinishItem(
            id: run.id, token: run.token, ending: ending, report: AttemptReport(didStart: true, cost: cost),
            handler: "work", duration: .seconds(1))
    }

    private func finish(_ items: [FinishItem]) async throws {
        let accepted = try await again { try await self.desk.store.finish(items, worker: self.desk.worker) }
        let completed = zip(items, accepted).count { item, isAccepted in isAccepted && item.ending == .completed }
        counts.withLock { $0.completed += completed }
    }

    /// Takes from the line, as free slots do.
    /// - Returns: how many it got.
    @discardableResult
    private func take(upTo limit: Int, isOld: Bool = false, _ generator: inout SplitMix64) async throws -> Int {
        var kinds = Self.kinds
        if isOld { kinds["rare"] = nil }
        let name = UUID()
        var taken = try await again { try await self.desk.takeLine(kinds: kinds, upTo: limit, claim: name) }
        if losesAnswers, Bool.random(using: &generator) {
            // What runs is answered again; what doesn't has its reason in the database.
            let granted = Set(taken.filter { $0.verdict.token != nil }.map(\.id))
            taken = try await again {
                try await self.desk.takeLine(kinds: kinds, upTo: limit, claim: name, isRepeated: true)
            }
            counts.withLock { $0.lostAnswers += 1 }
            if !granted.isEmpty { precondition(Set(taken.map(\.id)) == granted, "the repeated take gave others") }
        }
        settle(taken)
        return taken.count
    }

    private func settle(_ taken: [(id: UUID, verdict: ClaimVerdict)]) {
        for (id, verdict) in taken {
            switch verdict {
            case .run(let grant): queue.withLock { $0.running.append(.init(id: id, token: grant.token)) }
            case .overBudget: counts.withLock { $0.refused += 1 }
            case .unknownKind: counts.withLock { $0.unknown += 1 }
            default: break
            }
        }
    }

    private func changeBudget(_ generator: inout SplitMix64) async throws {
        let project = Self.projects.randomElement(using: &generator) ?? "a"
        switch Int.random(in: 0..<8, using: &generator) {
        case 0:
            try await again {
                try await self.desk.run("SELECT moose.freeze_budget('project', '\(project)', 't', 't')")
            }
        case 1...2: try await unfreeze(project)
        default: try await setFree(project, usd: .random(in: 0...60, using: &generator))
        }
    }

    private func unfreeze(_ project: String) async throws {
        try await again { try await self.desk.run("SELECT moose.unfreeze_budget('project', '\(project)', 't', 't')") }
    }

    /// A raise or a cut: so much is free then.
    private func setFree(_ project: String, usd: Int64) async throws {
        try await again {
            try await self.desk.run(
                """
                UPDATE moose.budget_policies p SET kill_u = \(usd * 1_000_000) + coalesce((
                    SELECT sum(b.held_u + b.posted_u) FROM moose.budget_buckets b WHERE b.policy_id = p.id), 0)
                WHERE p.scope = 'project' AND p.name = '\(project)'
                """)
        }
    }

    /// A worker dies, or is only taken for dead: then its end comes too late.
    private func loseWorker(_ generator: inout SplitMix64) async throws {
        let isDead = Bool.random(using: &generator)
        let lost = queue.withLock { queue in
            let taken = queue.takeRunning(upTo: 1, using: &generator)
            if !isDead { queue.running += taken }
            return taken
        }
        for run in lost {
            _ = try await again {
                try await self.desk.store.postgres.run(
                    """
                    UPDATE moose.leases SET expires_at = now() - interval '1 second'
                    WHERE id = \(run.id) AND token = \(run.token)
                    """)
            }
            let rescued = try await again {
                try await self.desk.store.rescue([LeaseKey(id: run.id, token: run.token)], maxAttempts: 5)
            }
            counts.withLock { $0.rescued += rescued }
        }
    }

    private func cancel(_ generator: inout SplitMix64) async throws {
        guard let id = queue.withLock({ $0.known.randomElement(using: &generator) }) else { return }
        let cancelled = try await again {
            try await self.desk.store.postgres.run(
                """
                UPDATE moose.work_orders SET state = 'cancelled' WHERE id = \(id)
                AND state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked') RETURNING id
                """)
        }
        counts.withLock { $0.cancelled += cancelled.rows.count }
    }

    /// Claims and ends that need money stop for a moment, after they have written what others can't see yet.
    private func stall(_ generator: inout SplitMix64) async throws {
        let seconds = Double.random(in: 0.005...0.05, using: &generator)
        try await again {
            try await self.desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id FOR NO KEY UPDATE")
                _ = try await transaction.run("SELECT pg_sleep(\(seconds))")
            }
        }
    }

    private func settle() async throws {
        for task in try await again({ try await self.desk.store.dependencyTasks() }) {
            _ = try await again { try await self.desk.store.settleDependencies(task, limit: 3) }
        }
    }

    /// Whatever is to come at some time comes now.
    private func passTime() async throws {
        try await again {
            try await self.desk.run(
                """
                UPDATE moose.work_orders SET run_at = now() - interval '1 minute'
                WHERE state IN ('scheduled', 'pending', 'retrying', 'blocked') AND run_at > now() - interval '1 minute';
                UPDATE moose.dependency_waits SET look_at = least(look_at, now()) WHERE look_at < now() + interval '1 minute';
                UPDATE moose.waiting SET due = now() WHERE due > now()
                """)
        }
    }

    // MARK: Its end

    /// Takes, claims and finishes until nothing moves any more.
    func runDown() async throws {
        var generator = SplitMix64(seed: seed)
        for _ in 1...300 {
            var isMoving = false
            try await passTime()
            // A rescue passes by what somebody has locked; the next look finds it.
            let lost = try await again { try await self.desk.store.expiredLeases() }
            if try await again({ try await self.desk.store.rescue(lost.map(\.key), maxAttempts: 5) }) > 0 {
                isMoving = true
            }
            let runs = queue.withLock { $0.takeRunning(upTo: 100, using: &generator) }
            if !runs.isEmpty {
                try await finish(runs.map { run in Self.finish(run, .completed, cost: .zero) })
                isMoving = true
            }
            if try await take(upTo: 100, &generator) > 0 { isMoving = true }
            let items = queue.withLock { $0.takeMessages(upTo: 100, using: &generator) }
            if !items.isEmpty {
                try await claim(items)
                isMoving = true
            }
            if try await again({ try await self.desk.store.wakeForMoney() }) > 0 { isMoving = true }
            if try await again({ try await self.desk.store.dependencyTasks() }) != [] {
                try await settle()
                isMoving = true
            }
            if !isMoving { return }
        }
    }

    /// What waits though it could run, judged from the rows alone.
    func stuck() async throws -> [String] {
        let rows = try await desk.store.postgres.run(
            """
            SELECT w.id::text || ' ' || w.state FROM moose.work_orders w
            WHERE w.state IN ('scheduled', 'pending', 'retrying', 'in_progress')
               OR w.state = 'blocked' AND NOT EXISTS (
                   SELECT 1 FROM moose.work_order_dependencies d LEFT JOIN moose.work_orders o ON o.id = d.depends_on
                   WHERE d.work_order_id = w.id AND o.state IS DISTINCT FROM 'completed')
               OR w.state = 'awaiting_budget' AND NOT EXISTS (
                   SELECT 1 FROM moose.budget_limits l
                   LEFT JOIN moose.budget_buckets b ON b.policy_id = l.id AND NOT b.exempt
                   WHERE l.scope = 'project' AND l.name = w.project
                     AND (l.frozen OR w.estimate_u > l.cap_u - coalesce(b.held_u + b.posted_u, 0)))
            """
        ).rows
        return try rows.map { row in try row.decode(0, as: String.self) }
    }

    /// A deadlock, or a lock that took too long, is tried again as a worker does.
    @discardableResult
    private func again<Value>(_ body: () async throws -> Value) async throws -> Value {
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isTransient {
                // Counted; the next round asks again.
                counts.withLock { $0.deadlocks += 1 }
            }
        }
    }
}
