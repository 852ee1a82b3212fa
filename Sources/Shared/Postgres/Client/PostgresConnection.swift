internal import IOThread

/// A connection lent to one task; it must not be used after the closure it was lent to has returned.
package final class PostgresConnection: Sendable {
    private let id: PoolState.ConnectionID
    private let mailbox: Mailbox<Command>

    init(id: PoolState.ConnectionID, mailbox: Mailbox<Command>) {
        self.id = id
        self.mailbox = mailbox
    }

    /// Runs one statement on this connection. Statements of concurrent tasks run one after another.
    package func run(_ query: Query) async throws(PostgresError) -> PostgresResult {
        try await ask(.query(query)).result
    }

    /// Runs a script of statements without parameters or rows.
    package func runSimple(_ sql: String) async throws(PostgresError) { _ = try await ask(.script(sql)) }

    func begin() async throws(PostgresError) { try await runSimple("BEGIN") }

    /// Not abandoned when the task is cancelled: whoever commits must know how it ended.
    func commit() async throws(PostgresError) {
        let result = try await ask(.script("COMMIT"), shielded: true).result
        if result.commandTag == "ROLLBACK" { throw .transactionAborted }
    }

    /// An error is not reported: the connection is broken then, and the server rolls back by itself.
    func rollback() async { _ = try? await ask(.script("ROLLBACK"), shielded: true) }

    func release(reusable: Bool) { mailbox.post(.release(id, reusable: reusable)) }

    private func ask(_ work: Request.Work, shielded: Bool = false) async throws(PostgresError) -> Request.Answer {
        let id = id
        return try await mailbox.ask(Request(work), shielded: shielded) { request in .submitOn(id, request) }
    }
}
