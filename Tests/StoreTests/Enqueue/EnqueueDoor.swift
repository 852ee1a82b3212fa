import DatabaseSupport
import FoundationEssentials
import Postgres
import Stack
import Store
import TestSupport
import Testing

/// Moose's schema as a service sees it that may enqueue and nothing else: as the role of
/// deploy/postgres/enqueue-client.sql.
struct EnqueueDoor: Sendable {
    let desk: StoreDesk
    /// Connected as the role.
    let client: PostgresClient
    /// What libpq's programs need to connect as the role; `MOOSE_DATABASE_URL` is the operator's.
    let environment: [String: String]

    static let role = "moose_enqueue_client"
    private static let password = "it's a secret"

    /// Runs the body with a fresh database in which the role was made.
    static func open(_ body: (EnqueueDoor) async throws -> Void) async throws {
        try await StoreDesk.open { desk in
            let name = try await desk.value("SELECT current_database()::text", as: String.self)
            let stack = try await TestStack.shared.stack()
            var environment: [String: String] = [
                "MOOSE_DATABASE_URL": try stack.databaseURL(database: name), "ENQUEUE_PASSWORD": password,
            ]
            for (name, value) in try stack.environment() where name.hasPrefix("PG") {
                environment[name] = value
            }
            environment["PGDATABASE"] = name
            // Twice: it may be repeated.
            for _ in 1...2 {
                let made = try await BudgetDoor.run(
                    "psql \"$MOOSE_DATABASE_URL\" -X -v password=\"$ENQUEUE_PASSWORD\" "
                        + "-f deploy/postgres/enqueue-client.sql", environment)
                try #require(made.status == 0, "\(made.error)")
            }
            environment["PGUSER"] = role
            environment["PGPASSWORD"] = password
            let parts = ["host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"]
                .map { key, variable in "\(key)=\(environment[variable] ?? "")" }
            let url = parts.joined(separator: " ") + " password='it\\'s a secret'"
            try await withPostgresClient(PostgresConfiguration(url: url), connections: 8) { client in
                try await body(EnqueueDoor(desk: desk, client: client, environment: environment))
            }
        }
    }

    /// Enqueues with these arguments, written as SQL.
    @discardableResult
    func enqueue(_ arguments: String) async throws -> UUID {
        try #require(await client.run("SELECT public.enqueue_work_order(\(unescaped: arguments))").first).decode(
            0, as: UUID.self)
    }

    /// The error a call must end with.
    func error(_ sql: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> ServerError {
        let error = await #expect(throws: PostgresError.self, "\(sql)", sourceLocation: sourceLocation) {
            try await client.run("\(unescaped: sql)")
        }
        guard case .server(let refusal) = error else { throw try #require(error, sourceLocation: sourceLocation) }
        return refusal
    }

    /// The bodies that wait, in the order of their ids.
    func bodies() async throws -> [(id: UUID, lane: String, body: [UInt8])] {
        try await desk.store.postgres.run(
            "SELECT id, routing_key, body FROM moose.outbox WHERE type = 'moose.work-order.v1' ORDER BY id"
        ).rows.map { row in (try row.decode(0), try row.decode(1), try row.decode(2)) }
    }
}
