internal import Logging
internal import Postgres
internal import Reporting
internal import Settings
internal import Store
internal import WorkOrders

/// What a role asks of the database before it starts.
struct ServerDemand {
    /// A worker and a Client Manager: three writers, two for upkeep, one that listens; and one to spare for a command.
    static let sessions = 7

    private let role: RoleProcess

    init(_ role: RoleProcess) { self.role = role }

    /// Makes the first connection, and judges server and schema.
    ///
    /// - Throws: `PostgresError` when it can't be reached; ``CommandFailure`` with ``ExitStatus/refused`` where work
    ///   would not be safe, or the schema is missing or too old.
    func connect(_ store: Store) async throws {
        try await store.postgres.connect()
        try await check(store)
        try await store.requireSchema()
    }

    /// Names what a person must mend, in the log and to whoever reads no logs.
    private func check(_ store: Store) async throws {
        for concern in ServerConcern.all(try await store.serverFacts(), sessions: Self.sessions) {
            if concern.weight == .refusal, !role.settings.database.acceptsUnsafe {
                throw CommandFailure(
                    "Moose can't work with this database", why: concern.line,
                    next:
                        "`moose doctor` lists all of it. Only where nothing may be kept: database_accept_unsafe: true",
                    status: .refused)
            }
            role.logger.warning("\(concern.text)", metadata: ["database": "\(concern.name)"])
            role.reporter.report(
                concern.name, concern.text, failureClass: .infrastructure,
                severity: concern.weight == .refusal ? .critical : .warning, details: concern.details,
                component: "database")
        }
    }
}
