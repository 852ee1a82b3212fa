import DatabaseSupport
import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// A migrated database of its own, seen as a worker sees it and as an auditor does.
struct StoreDesk: Sendable {
    let database: MooseDatabase
    let worker = UUID()

    var store: Store { Store(database.client) }

    /// Runs the body with a fresh database; afterwards every bucket must agree with its holds and its ledger.
    static func open(connections: Int = 4, waitsForCommits: Bool = true, _ body: (StoreDesk) async throws -> Void)
        async throws
    {
        try await MooseDatabase.open(
            connections: connections,
            configure: { if !waitsForCommits { $0.options = ["synchronous_commit": "off"] } },
            { database in
                try await body(StoreDesk(database: database))
                try await database.expectBalancedBooks()
                #expect(try await database.count("moose.reconcile(true)") == 0, "the quick look differs from the whole")
                try await database.expectWholeLiveSets()
                try await database.expectPublishedEvents()
            })
    }

    /// A work order as it comes over the wire.
    static func order(
        _ id: UUID = .timeOrdered(), usd: String = "0", title: String = "t", dependsOn: [UUID] = [],
        project: String? = nil, agent: String? = nil, replyTo: String? = nil
    ) throws -> ClaimItem {
        let dependencies = dependsOn.map { "\"\($0)\"" }.joined(separator: ",")
        let body = Array(
            """
            {"id":"\(id)","kind":"work","title":"\(title)","estimated_cost_usd":"\(usd)","depends_on":[\(dependencies)],
            "project":\(project.map { "\"\($0)\"" } ?? "null"),"agent":\(agent.map { "\"\($0)\"" } ?? "null")}
            """.utf8)
        return ClaimItem(
            form: try WorkOrderMessage.decode(body, messageID: nil, lane: "default"), body: body, replyTo: replyTo)
    }

    static func registered(_ id: UUID) -> ClaimItem { ClaimItem(form: .registered(id), body: []) }

    static func usd(_ text: String) -> MicroUSD? { MicroUSD(decimal: text) }

    func claim(
        _ items: [ClaimItem], claim: UUID = UUID(), park: Bool = false,
        kinds: [String: KindTerms] = ["work": KindTerms(estimate: .zero)]
    ) async throws -> [ClaimVerdict] {
        try await store.claim(
            items, claim: claim,
            terms: ClaimTerms(
                worker: worker, lease: .seconds(45), unknownKindGrace: .seconds(600), kinds: kinds),
            park: park)
    }

    /// Claims one order that must run and returns its token.
    func start(_ item: ClaimItem, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int64 {
        let verdict = try await claim([item])[0]
        guard case .run(let grant) = verdict else {
            Issue.record("it was to run, but the verdict is \(verdict)", sourceLocation: sourceLocation)
            return 0
        }
        return grant.token
    }

    @discardableResult
    func end(
        _ id: UUID, _ token: Int64, _ ending: FinishItem.Ending = .completed, started: Bool = true,
        cost: MicroUSD? = .zero
    ) async throws -> Bool {
        try await store.finish(
            [
                FinishItem(
                    id: id, token: token, ending: ending, report: AttemptReport(didStart: started, cost: cost),
                    handler: "work", duration: .seconds(1))
            ], worker: worker)[0]
    }

    /// Spends money for real: an order of this price, run to its end.
    func spend(_ usd: String) async throws {
        let item = try Self.order(usd: usd)
        try await end(item.id, try await start(item), cost: Self.usd(usd))
    }

    func expireLeases() async throws {
        try await store.postgres.runSimple("UPDATE moose.leases SET expires_at = now() - interval '1 second'")
    }

    /// A lease out of the blue, for what is moved by hand.
    func lease(_ id: UUID, token: Int64 = 0) async throws {
        _ = try await store.postgres.run(
            """
            INSERT INTO moose.leases (id, token, worker, claim, expires_at)
            VALUES (\(id), \(token), \(worker), \(UUID()), now() + interval '1 minute')
            """)
    }

    func state(_ id: UUID) async throws -> String { try await database.state(id) }

    /// How many rows a table expression with its condition has.
    func count(_ source: String) async throws -> Int64 { try await database.count(source) }

    func value<Value: PostgresDecodable>(_ query: Query, as type: Value.Type) async throws -> Value {
        try await database.value(query, as: type)
    }

    /// The error events that wait in the outbox for this reason.
    func events(reason: String) async throws -> Int64 {
        try await count(
            """
            moose.outbox WHERE type = 'moose.error-event.v1'
            AND convert_from(body, 'UTF8')::json -> 'details' ->> 'reason' = '\(reason)'
            """)
    }

    /// What the error events in the outbox say, in their order.
    func messages() async throws -> [String] {
        try await store.postgres.run(
            """
            SELECT convert_from(body, 'UTF8')::json ->> 'message' FROM moose.outbox
            WHERE type = 'moose.error-event.v1' ORDER BY created_at, id
            """
        ).rows.decode(String.self)
    }

    /// Changes budgets as an operator would with psql.
    func run(_ sql: String) async throws { try await database.run(sql) }

    /// Those of the orders that are in this state, in their order.
    func these(_ items: [ClaimItem], in state: String) async throws -> [Int] {
        var found: [Int] = []
        for (index, item) in items.enumerated() where try await self.state(item.id) == state { found.append(index) }
        return found
    }
}
