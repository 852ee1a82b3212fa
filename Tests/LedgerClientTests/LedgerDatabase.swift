import DatabaseSupport
import FoundationEssentials
import LedgerClient
import Postgres
import TestSupport
import Testing
import WorkOrders

/// A migrated database of its own with a coalescer, and a second client beside it for looking and for locking.
struct LedgerDatabase: Sendable {
    /// Of one day and of one month; the cap of the organisation.
    static let cap = MicroUSD(microdollars: 1_000_000_000_000)

    let coalescer: LedgerCoalescer
    private let base: MooseDatabase

    /// The database's URL.
    var url: String { base.url }
    /// Sees and changes what it likes, past the coalescer.
    var auditor: PostgresClient { base.client }

    private static let template = DatabaseTemplate(
        name: "capped",
        script: "UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = \(cap.microdollars)")

    /// Runs the body with a fresh database; afterwards every bucket must agree with its holds and its ledger.
    static func open(
        capacity: Int = 8192, batchLimit: Int = 512, _ body: (LedgerDatabase) async throws -> Void
    ) async throws {
        try await MooseDatabase.withURL(template) { url in
            try await use(url, capacity: capacity, batchLimit: batchLimit, body)
        }
    }

    /// On the server that may be restarted; nil where there is none.
    static var restartableURL: String? {
        ProcessInfo.processInfo.environment["MOOSE_TEST_RESTARTABLE_DATABASE_URL"]
    }

    /// As ``open(capacity:batchLimit:_:)`` on the restartable server.
    static func openRestartable(_ body: (LedgerDatabase) async throws -> Void) async throws {
        try await withEmptyDatabase(on: try #require(restartableURL)) { url in
            try await MooseDatabase.migrate(url, to: template)
            try await use(url, capacity: 8192, batchLimit: 512, body)
        }
    }

    private static func use(
        _ url: String, capacity: Int, batchLimit: Int, _ body: (LedgerDatabase) async throws -> Void
    ) async throws {
        var own = PostgresConfiguration(url: url)
        own.applicationName = "coalescer"
        own.lockTimeout = .seconds(60)
        own.statementTimeout = .seconds(60)
        let client = try PostgresClient(configuration: own, maxConnections: 1)
        var configuration = PostgresConfiguration(url: url)
        // It must not wait for a standby that never comes; see the test of the lost reply.
        configuration.options = ["synchronous_commit": "local"]
        configuration.idleInTransactionTimeout = .zero
        let auditor = try PostgresClient(configuration: configuration, maxConnections: 2)
        let database = LedgerDatabase(
            coalescer: LedgerCoalescer(LedgerBatch(client), capacity: capacity, batchLimit: batchLimit),
            base: MooseDatabase(url: url, client: auditor))
        let result: Result<Void, any Error>
        do {
            try await body(database)
            await database.coalescer.close()
            try await database.base.expectBalancedBooks()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await database.coalescer.close(within: .zero)
        await client.close()
        await auditor.close()
        try result.get()
    }

    static func name() -> HoldName { HoldName(owner: .timeOrdered(), token: 1) }

    static func request(_ name: HoldName = name(), micro: Int64 = 1) -> HoldRequest {
        HoldRequest(
            name: name, estimate: MicroUSD(microdollars: micro), path: HoldPath(project: "p", agent: "a"),
            lives: .seconds(3600))
    }

    /// Runs the body while every statement of the coalescer has to wait.
    func whileLocked(_ body: () async throws -> Void) async throws {
        try await auditor.withTransaction { transaction in
            _ = try await transaction.run("LOCK TABLE moose.budget_buckets IN EXCLUSIVE MODE")
            try await body()
        }
    }

    /// Waits until the statement under way holds this many items, and so many wait for the next.
    func waitUntil(inFlight: Int, queued: Int, waiting: Int = 0) async throws {
        try await eventually("\(inFlight) items are in flight, \(queued) queued and \(waiting) before the queue") {
            let counts = coalescer.counts()
            return counts.inFlight == inFlight && counts.queued == queued && counts.waiting == waiting
        }
    }

    func state(_ name: HoldName) async throws -> String? {
        try await auditor.run("SELECT state FROM moose.budget_holds WHERE owner = \(name.owner)").first?
            .decode(0, as: String.self)
    }

    /// How many rows a table expression with its condition has.
    func count(_ source: String) async throws -> Int64 { try await base.count(source) }

    /// What is on hold in every bucket together.
    func held() async throws -> Int64 {
        try await base.value("SELECT coalesce(max(held_u), 0) FROM moose.budget_buckets", as: Int64.self)
    }
}

extension HoldAnswer {
    /// What was granted, if it was.
    var grant: HoldGrant? { if case .granted(let grant) = self { grant } else { nil } }
}

/// How a question ended, to compare.
func outcome(_ body: () async throws(LedgerError) -> HoldAnswer) async -> Result<HoldAnswer, LedgerError> {
    do throws(LedgerError) {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}
