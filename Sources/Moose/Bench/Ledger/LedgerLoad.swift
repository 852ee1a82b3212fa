internal import ArgumentParser
internal import LedgerClient
internal import WorkOrders

/// One client that asks the ledger as fast as it answers.
struct LedgerLoad {
    /// What it asks.
    enum Kind: String, Sendable, ExpressibleByArgument {
        /// Holds that all fit.
        case hold
        /// Holds, then their settlements.
        case cycle
        /// Each statement gives back what the one before it got, and asks for about twice what fits.
        case nearCap = "near-cap"
    }

    static let path = HoldPath(project: "bench", agent: "bench", handler: "bench")
    /// What ``Kind/nearCap`` asks for, in micro-USD: from 1 to this.
    private static let dearest = 199

    let batch: LedgerBatch
    let kind: Kind
    let size: Int
    private var names = HoldNames()
    private var tally = LedgerTally()
    private var granted: [HoldName] = []
    private var seed: UInt64 = 1

    init(batch: LedgerBatch, kind: Kind, size: Int) {
        self.batch = batch
        self.kind = kind
        self.size = size
    }

    /// The day's cap that about half of a batch of ``Kind/nearCap`` fits.
    static func nearCap(size: Int) -> Int { max(dearest, size * (dearest + 1) / 4) }

    /// Not measured: statements are prepared and plans made.
    mutating func warmUp() async throws {
        for _ in 1...3 { try await step() }
    }

    mutating func run(seconds: Int) async throws -> LedgerTally {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        var now = start
        while now < end {
            try await step()
            tally.counted += size
            now = .now
        }
        tally.seconds = (now - start).seconds
        return tally
    }

    private mutating func step() async throws {
        names.tick()
        switch kind {
        case .hold: _ = try await hold()
        case .cycle: try await settle(try await hold())
        case .nearCap: try await crossTheCap()
        }
    }

    private mutating func hold() async throws -> [LedgerItem] {
        let price = MicroUSD(microdollars: 3)
        var items: [LedgerItem] = []
        items.reserveCapacity(size)
        for _ in 0..<size {
            items.append(.reserve(HoldRequest(name: names.next(), estimate: price, path: Self.path)))
        }
        for answer in try await batch.run(items) {
            if case .reservation(.granted(let grant)) = answer, grant.estimate == price, !grant.isReplay {
                tally.granted += 1
                tally.held += 3
            } else {
                tally.wrong += 1
            }
        }
        return items
    }

    private mutating func settle(_ items: [LedgerItem]) async throws {
        let moves = items.map { LedgerItem.move($0.name, .settle(actual: MicroUSD(microdollars: 2))) }
        for answer in try await batch.run(moves) {
            guard answer == .move(.done(.settled)) else {
                tally.wrong += 1
                continue
            }
            tally.held -= 3
            tally.posted += 2
        }
    }

    private mutating func crossTheCap() async throws {
        var items = granted.map { LedgerItem.move($0, .cancel) }
        let moves = items.count
        var prices: [Int] = []
        for _ in 0..<size {
            prices.append(nextPrice())
            items.append(
                .reserve(
                    HoldRequest(
                        name: names.next(), estimate: MicroUSD(microdollars: Int64(prices[prices.count - 1])),
                        path: Self.path)))
        }
        let answers = try await batch.run(items)
        tally.wrong += answers[..<moves].count { $0 != .move(.done(.cancelled)) }
        granted = []
        // Nobody else asks, so the serial history is known.
        var room = Self.nearCap(size: size)
        for (index, price) in prices.enumerated() {
            var isGranted = false
            if case .reservation(.granted) = answers[moves + index] { isGranted = true }
            if isGranted != (price <= room) { tally.wrong += 1 }
            guard isGranted else { continue }
            room -= price
            tally.granted += 1
            granted.append(items[moves + index].name)
        }
        tally.held = Self.nearCap(size: size) - room
    }

    /// Differs from item to item and is the same in every run.
    private mutating func nextPrice() -> Int {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 1 + Int(seed >> 33) % Self.dearest
    }
}
