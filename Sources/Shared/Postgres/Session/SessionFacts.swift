/// What a new session is, and no setting can change.
struct SessionFacts: Equatable {
    /// The server's process that answers.
    let backend: Int32
    /// A standby: it takes no writes.
    let isInRecovery: Bool
    let encoding: String
    let replicationRole: String

    /// Nothing in it is looked up by a path that others may write to.
    static let query = """
        SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), pg_catalog.getdatabaseencoding(),
            pg_catalog.current_setting('session_replication_role')
        """

    /// - Parameter fields: what the query answered, as text; nil when it is something else.
    init?(_ fields: [String]) {
        guard fields.count == 4, let backend = Int32(fields[0]) else { return nil }
        self.backend = backend
        isInRecovery = fields[1] == "t"
        encoding = fields[2]
        replicationRole = fields[3]
    }

    /// Why Moose can't work in this session; nil when it can.
    ///
    /// - Parameter expected: the process the server named when it began; nil when a pooler was found to be harmless.
    func problem(expected: Int32?) -> PostgresError? {
        if let expected, expected != backend { return .pooled }
        if isInRecovery { return .unreachable(reason: "The server is a standby: it takes no writes") }
        if encoding != "UTF8" {
            return .unsuitable(
                reason: "Its encoding is \(encoding), and Moose stores what comes in UTF-8",
                remedy: "Create one with: CREATE DATABASE moose ENCODING 'UTF8' TEMPLATE template0")
        }
        if replicationRole != "origin" {
            return .unsuitable(
                reason: "session_replication_role is \(replicationRole), so that no trigger of the schema guards it",
                remedy: "A superuser must take it back: ALTER ROLE … RESET session_replication_role, or the same of "
                    + "the database")
        }
        return nil
    }
}
