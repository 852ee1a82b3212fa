internal import Logging
internal import Postgres
internal import Reporting
internal import Settings
internal import Store
internal import WorkOrders

/// What a role asks of the server before it starts.
struct ServerDemand {
    /// A worker and a Client Manager: two writers, two for upkeep, one that listens; and one to spare for a command.
    static let sessions = 6

    let settings: Settings
    let logger: Logger

    /// Names what a person must mend.
    ///
    /// - Parameter reporter: so that somebody hears of it who reads no logs.
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` where work would not be safe.
    func check(_ store: Store, reporter: Reporter? = nil) async throws {
        for concern in ServerConcern.all(try await store.serverFacts(), sessions: Self.sessions) {
            if concern.weight == .refusal, !settings.database.acceptsUnsafe {
                throw CommandFailure(
                    "Moose can't work with this database", why: concern.line,
                    next:
                        "`moose doctor` lists all of it. Only where nothing may be kept: database_accept_unsafe: true",
                    status: .refused)
            }
            logger.warning("\(concern.text)", metadata: ["database": "\(concern.name)"])
            reporter?.report(
                concern.name, concern.text, failureClass: .infrastructure,
                severity: concern.weight == .refusal ? .critical : .warning, details: concern.details,
                component: "database")
        }
    }
}
