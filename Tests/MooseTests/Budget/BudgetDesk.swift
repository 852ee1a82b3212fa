import ArgumentParser
import DatabaseSupport
import FoundationEssentials
import Operations
import Postgres
import Testing

@testable import Moose

/// A migrated database of its own, seen through the subcommands of `moose budget`.
struct BudgetDesk: Sendable {
    static let ascii = Terminal(isTTY: true, width: 80, hasColour: false, hasUnicode: false)

    private let base: MooseDatabase

    var database: PostgresClient { base.client }
    var url: String { base.url }

    /// Runs the body with a fresh database; afterwards every bucket must agree with its holds and its ledger.
    static func open(_ body: (BudgetDesk) async throws -> Void) async throws {
        try await MooseDatabase.open { base in
            try await body(BudgetDesk(base: base))
            let differences = try await BudgetDifference.all(in: base.client)
            #expect(differences.isEmpty, "the buckets disagree with the ledger")
        }
    }

    /// Does what the command line says, all but the printing.
    @discardableResult
    func run<Command: DatabaseCommand>(_ type: Command.Type, _ arguments: String...) async throws -> CommandAnswer {
        let command = try #require(try Command.parseAsRoot(arguments) as? Command)
        return try await command.answer(to: try command.wanted(), from: database, on: Self.ascii)
    }

    /// How it fails.
    func failure<Command: DatabaseCommand>(_ type: Command.Type, _ arguments: String...) async -> CommandFailure? {
        do {
            let command = try #require(try Command.parseAsRoot(arguments) as? Command)
            _ = try await command.answer(to: try command.wanted(), from: database, on: Self.ascii)
            return nil
        } catch {
            return CommandFailure(reporting: error)
        }
    }

    /// A reservation as another service makes it; nil when it is refused.
    func reserve(_ usd: String, metadata: String = "{}", handler: String = "work") async throws -> UUID? {
        let query = Query(
            "SELECT reservation_id FROM public.check_and_reserve_budget($1::text::numeric, $2, $3::text::jsonb)",
            parameters: [Parameter(usd), Parameter(handler), Parameter(metadata)])
        return try #require(try await database.run(query).first).decode(0)
    }

    /// Spends money for real.
    func spend(_ usd: String, metadata: String = "{}", handler: String = "work") async throws -> UUID {
        let id = try #require(try await reserve(usd, metadata: metadata, handler: handler))
        try await settle(id, usd)
        return id
    }

    func settle(_ id: UUID, _ usd: String) async throws {
        _ = try await database.run(
            Query(
                "SELECT * FROM public.settle_budget($1, $2::text::numeric)",
                parameters: [Parameter(id), Parameter(usd)]))
    }

    /// The budget of that scope and period, as `moose budget show` sees it.
    func line(_ scope: BudgetScope = .org, _ period: String = "day") async throws -> BudgetLine {
        try #require(try await BudgetLine.current(of: [scope], in: database).first { $0.period == period })
    }

    /// What the audit log says, the newest first.
    func changes() async throws -> [BudgetChange] {
        try await BudgetChange.newest(of: [], days: 1, limit: 100, in: database)
    }

    /// How many rows a table expression with its condition has.
    func count(_ source: String) async throws -> Int64 { try await base.count(source) }

    func value<Value: PostgresDecodable>(_ query: Query, as type: Value.Type) async throws -> Value {
        try await base.value(query, as: type)
    }
}
