import FoundationEssentials
import TestSupport

/// Makes random histories of a small world: few names, small caps and amounts near them, so that every limit is hit all
/// the time. The same seed makes the same history from the same model.
struct HistoryGenerator {
    var random: SplitMix64
    /// What one unit of money is, in micro-USD.
    private let unit: Int64
    /// The names that were asked for, in that order.
    private(set) var names: [HoldName] = []
    private(set) var policies: [BudgetPolicy.Key] = []

    private static let scopes: [Scope] =
        [.org]
        + ["p1", "p2"].map { name in Scope(kind: .project, name: name) }
        + ["a1", "a2"].map { name in Scope(kind: .agent, name: name) }
        + ["h1", "h2"].map { name in Scope(kind: .handler, name: name) }
        + ["m1", "m2"].map { name in Scope(kind: .model, name: name) }
    private static let zones = ["UTC", "Europe/Berlin", "Pacific/Auckland", "America/New_York"]

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        unit = [1, 1, 1_000_003, 7_919_333_123].randomElement(using: &random) ?? 1
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    /// The budgets that a history begins with. The organisation has one for the month at least.
    mutating func budgets() -> LedgerModel {
        var model = LedgerModel()
        for scope in Self.scopes {
            for period in BudgetPolicy.Period.allCases {
                let isSure = scope == .org && period == .month
                guard isSure || chance(scope == .org ? 60 : 20) else { continue }
                let key = BudgetPolicy.Key(scope: scope, period: period)
                var policy = limits()
                policy.timeZone = Self.zones.randomElement(using: &random) ?? "UTC"
                model.policies[key] = policy
                policies.append(key)
            }
        }
        if chance(50) { model.exemptAgents.insert("a1") }
        return model
    }

    private mutating func limits() -> BudgetPolicy {
        var policy = BudgetPolicy()
        let amounts = (0..<3).map { _ in Int64.random(in: 0...20, using: &random) * unit }.sorted()
        if chance(50) { policy.soft = amounts[0] }
        if chance(60) { policy.hard = amounts[1] }
        if chance(60) { policy.kill = amounts[2] }
        return policy
    }

    mutating func step(in model: LedgerModel) -> Step {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<64: .batch(batch(in: model))
        case 64..<72: .direct(direct(in: model))
        case 72..<82: simulation(in: model)
        default: .operation(operation(in: model))
        }
    }

    /// - Parameter among: the names to choose from; nil: those of before, and new ones.
    mutating func batch(in model: LedgerModel, among pool: [HoldName]? = nil) -> Batch {
        var batch = Batch()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            guard let name = (pool ?? names).suffix(20).randomElement(using: &random) else { break }
            batch.moves.append(move(of: pool == nil && chance(5) ? newName() : name, in: model))
        }
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let known = pool != nil || chance(15) ? (pool ?? names).suffix(20).randomElement(using: &random) : nil
            let path = path()
            var reservation = Reservation(
                name: known ?? newName(), estimate: estimate(of: path, in: model), path: path)
            reservation.isDispatched = chance(40)
            reservation.isOverdue = chance(30)
            batch.reservations.append(reservation)
            if chance(10) { batch.reservations.append(reservation) }
        }
        return batch
    }

    private mutating func direct(in model: LedgerModel) -> Batch {
        var batch = Batch()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let path = path()
            var reservation = Reservation(name: newName(), estimate: estimate(of: path, in: model), path: path)
            reservation.isDispatched = chance(70)
            if chance(60) {
                reservation.alternative = Reservation.Alternative(
                    estimate: min(reservation.estimate, Int64.random(in: 0...4, using: &random) * unit),
                    handler: chance(50) ? "h1" : "h2", model: chance(50) ? "m1" : nil)
            }
            batch.reservations.append(reservation)
        }
        return batch
    }

    private mutating func simulation(in model: LedgerModel) -> Step {
        let path = path()
        return .simulation(estimate(of: path, in: model), path)
    }

    private mutating func move(of name: HoldName, in model: LedgerModel) -> Move {
        let kind = Move.Kind.allCases.randomElement(using: &random) ?? .settle
        guard kind == .settle, !chance(25) else { return Move(name: name, kind: kind) }
        let estimate = model.holds[name]?.estimate ?? unit
        return Move(name: name, kind: kind, actual: amount(near: estimate))
    }

    /// At, above or below an amount, or nothing.
    mutating func amount(near amount: Int64) -> Int64 {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: 0
        case 1, 2: amount
        case 3: amount + 1
        case 4: amount * 3
        default: Int64.random(in: 0...max(0, amount), using: &random)
        }
    }

    /// Often exactly what is left, or the whole cap, or one more.
    private mutating func estimate(of path: WorkPath, in model: LedgerModel) -> Int64 {
        let keys = model.bucketKeys(of: path).filter { key in !key.isExempt && model.policies[key.policy]?.cap != nil }
        guard let key = keys.randomElement(using: &random), let cap = model.policies[key.policy]?.cap, chance(40) else {
            return chance(10) ? 0 : Int64.random(in: 1...5, using: &random) * unit
        }
        let room = max(0, cap - model.buckets[key, default: Bucket()].used)
        return [room, room, room, room + 1, cap, cap + 1].randomElement(using: &random) ?? room
    }

    private mutating func path() -> WorkPath {
        WorkPath(
            project: chance(20) ? nil : chance(50) ? "p1" : "p2", agent: chance(20) ? nil : chance(50) ? "a1" : "a2",
            handler: chance(10) ? nil : chance(50) ? "h1" : "h2", model: chance(40) ? nil : chance(50) ? "m1" : "m2")
    }

    /// A name that nobody asked for before.
    mutating func newName() -> HoldName {
        let name = nextName()
        names.append(name)
        return name
    }

    private mutating func nextName() -> HoldName {
        let (high, low) = (random.next(), random.next())
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (8 * index)) }
        let owner = UUID(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
                byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            ))
        // Names of one owner differ in token and number: sometimes the next number of a name there is.
        if let other = names.last, chance(20) {
            let number = (names.filter { name in name.owner == other.owner }.map(\.number).max() ?? 0) + 1
            return HoldName(owner: other.owner, token: other.token, number: number)
        }
        return HoldName(owner: owner, token: Int64.random(in: 0...3, using: &random), number: 0)
    }

    mutating func operation(in model: LedgerModel) -> Operation {
        let key = anyPolicy()
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<15:
            guard let cap = model.policies[key]?.baseCap else { return .expire }
            return .raise(key, cap: cap + Int64.random(in: 1...20, using: &random) * unit)
        case 15..<30 where key.period != .total:
            return .rollOver(key, window: model.windows[key, default: 0])
        case 30..<45:
            let closed = names.filter { name in model.holds[name]?.isOpen == false }
            guard let name = closed.randomElement(using: &random), let hold = model.holds[name] else { return .expire }
            return .correct(name, actual: amount(near: hold.estimate))
        case 45..<60: return .expire
        default: return change(in: model)
        }
    }

    /// Other limits, freezes or exemptions: what may happen whatever happened before.
    mutating func change(in model: LedgerModel) -> Operation {
        let scope = Self.scopes.randomElement(using: &random) ?? .org
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: return .setLimits(anyPolicy(), limits())
        case 4: return .endRaise(anyPolicy())
        case 5: return .freeze(scope)
        case 6, 7: return .unfreeze(scope == .org || model.freezes.isEmpty ? .org : scope)
        case 8: return .exempt(chance(50) ? "a1" : "a2")
        default: return .endExemption(chance(50) ? "a1" : "a2")
        }
    }

    private mutating func anyPolicy() -> BudgetPolicy.Key {
        policies.randomElement(using: &random) ?? BudgetPolicy.Key(scope: .org, period: .month)
    }
}
