import DatabaseSupport
import FoundationEssentials
import Postgres
import Stack
import Store
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// The ledger as another service sees it: as the role of deploy/postgres/budget-client.sql, which may use its door.
struct BudgetDoor: Sendable {
    let desk: StoreDesk
    /// Connected as the role.
    let client: PostgresClient
    /// What libpq's programs need to connect as the role; `MOOSE_DATABASE_URL` is the operator's.
    let environment: [String: String]

    static let role = "moose_budget_client"
    static let password = "it's a secret"
    /// The clone these tests were built in.
    static let repository = String(Repository.path("").dropLast())

    /// Runs the body with a fresh database in which the role was made.
    static func open(_ body: (BudgetDoor) async throws -> Void) async throws {
        try await StoreDesk.open { desk in
            let name = try await desk.value("SELECT current_database()::text", as: String.self)
            let stack = try await TestStack.shared.stack()
            var environment: [String: String] = [
                "MOOSE_DATABASE_URL": try stack.databaseURL(database: name), "BUDGET_PASSWORD": password,
            ]
            for (name, value) in try stack.environment() where name.hasPrefix("PG") {
                environment[name] = value
            }
            environment["PGDATABASE"] = name
            // Twice: it may be repeated.
            for _ in 1...2 {
                let made = try await run(
                    "psql \"$MOOSE_DATABASE_URL\" -X -v password=\"$BUDGET_PASSWORD\" "
                        + "-f deploy/postgres/budget-client.sql", environment)
                try #require(made.status == 0, "\(made.error)")
            }
            environment["PGUSER"] = role
            environment["PGPASSWORD"] = password
            try await withClient(of: environment) { client in
                try await body(BudgetDoor(desk: desk, client: client, environment: environment))
            }
        }
    }

    private static func withClient(
        of environment: [String: String], _ body: (PostgresClient) async throws -> Void
    ) async throws {
        let parts = ["host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"]
            .map { key, variable in "\(key)=\(environment[variable] ?? "")" }
        var configuration = PostgresConfiguration(
            url: parts.joined(separator: " ") + " password='it\\'s a secret'")
        // As the role's own: longer than a silent caller is endured.
        configuration.lockTimeout = .seconds(8)
        // As in any other program's session.
        configuration.options = ["search_path": "public"]
        try await withPostgresClient(configuration, connections: 8, body)
    }

    /// Runs a shell script in the repository with nothing of our own environment but PATH and HOME.
    static func run(
        _ script: String, _ environment: [String: String], in folder: String = repository
    ) async throws -> (status: Int32, output: String, error: String) {
        var inherited: [Environment.Key: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"]
        for (name, value) in environment { inherited[try #require(Environment.Key(rawValue: name))] = value }
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-euc", script], environment: .custom(inherited),
            workingDirectory: FilePath(folder), input: .none, output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        guard case .exited(let status) = result.terminationStatus else {
            return (-1, result.standardOutput, result.standardError)
        }
        return (status, result.standardOutput, result.standardError)
    }

    // MARK: The three functions

    struct Answer: Sendable, Equatable {
        let canProceed: Bool
        /// USD, as the server writes it.
        let total: String
        let id: UUID?
    }

    func reserve(_ usd: String, _ service: String = "svc", _ metadata: String = "{}") async throws -> Answer {
        let row = try #require(
            await client.run(
                """
                SELECT can_proceed, current_total::text, reservation_id
                FROM check_and_reserve_budget(\(usd)::text::numeric, \(service), \(metadata)::text::jsonb)
                """
            ).first)
        return Answer(
            canProceed: try row.decode(0, as: Bool.self), total: try row.decode(1, as: String.self),
            id: try row.decode(2, as: UUID?.self))
    }

    /// A reservation that must be granted.
    func reserved(
        _ usd: String, _ metadata: String = "{}", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> UUID {
        try #require(await reserve(usd, "svc", metadata).id, sourceLocation: sourceLocation)
    }

    /// What it answers, as `true settled`.
    func settle(_ id: UUID, _ usd: String) async throws -> String {
        try await text("SELECT settled || ' ' || state FROM settle_budget(\(id), \(usd)::text::numeric)")
    }

    func cancel(_ id: UUID) async throws -> String {
        try await text("SELECT cancelled || ' ' || state FROM cancel_budget(\(id))")
    }

    private func text(_ query: Query) async throws -> String {
        try #require(await client.run(query).first).decode(0, as: String.self)
    }

    /// The error a call must end with.
    func error(_ query: Query, sourceLocation: SourceLocation = #_sourceLocation) async throws -> ServerError {
        let error = await #expect(throws: PostgresError.self, sourceLocation: sourceLocation) {
            try await client.run(query)
        }
        guard case .server(let refusal) = error else { throw try #require(error, sourceLocation: sourceLocation) }
        return refusal
    }

    // MARK: The books

    /// What all entries of one reservation sum up to, in micro-USD.
    func posted(_ id: UUID) async throws -> Int64 {
        try await desk.value(
            "SELECT coalesce(sum(amount_u), 0)::bigint FROM moose.cost_tracking WHERE owner = \(id)", as: Int64.self)
    }

    /// The organisation's day: on hold and posted, in micro-USD.
    func day() async throws -> [Int64] {
        let row = try #require(
            await desk.store.postgres.run(
                "SELECT held_u, posted_u FROM moose.budget_status() WHERE scope = 'org' AND period = 'day'"
            ).first)
        return [try row.decode(0, as: Int64.self), try row.decode(1, as: Int64.self)]
    }
}
