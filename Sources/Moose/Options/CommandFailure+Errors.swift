internal import AMQP
internal import Operations
internal import Postgres
internal import Publisher
internal import Settings
internal import Spool

extension CommandFailure {
    /// Any error, as a person should read it and a script should see it.
    init(reporting error: any Error) {
        switch error {
        case let error as CommandFailure: self = error
        case let error as OperationError: self.init(operation: error)
        case let error as SettingsError: self.init(settings: error)
        case let error as PostgresError: self.init(database: error)
        case let error as AMQPError: self.init(broker: error)
        case let error as SpoolError: self.init(error.description)
        case let error as UnknownLane: self.init(error.description, status: .refused)
        case is CancellationError: self.init("interrupted")
        default: self.init("\(error)")
        }
    }

    /// Why a question or an action came to nothing. Its texts may quote anybody's.
    init(operation error: OperationError) {
        let status: ExitStatus =
            switch error.kind {
            case .notFound, .refused: .refused
            case .invalid: .usage
            case .failed: .failed
            }
        self.init(
            PrintableText.oneLine(error.what), why: error.why.map(PrintableText.oneLine),
            next: error.next.map(PrintableText.oneLine), status: status)
    }

    /// Every mistake of a configuration, one a line.
    init(settings error: SettingsError) {
        switch error {
        case .unreadable: self.init(error.description, status: .usage)
        case .invalid(let problems):
            let one = problems.count == 1
            self.init(
                "the configuration has \(one ? "a mistake" : "\(problems.count) mistakes"):\n"
                    + problems.map { "  \($0)\n" }.joined(),
                status: .usage)
        }
    }

    /// An error of the broker.
    init(broker error: AMQPError) {
        switch error {
        case _ where error.isAway: self.init(error.description, status: .unreachable)
        case .authenticationFailed, .virtualHostMissing: self.init(error.description, status: .unreachable)
        case .invalidURL: self.init(error.description, status: .usage)
        case .accessRefused(let refusal):
            self.init(
                "the broker denied access", why: refusal, next: "Run `\(BrokerGrant.command(after: refusal))`",
                status: .refused)
        case .preconditionFailed, .notFound, .nacked, .returned, .messageTooLarge, .invalidMessage:
            self.init(error.description, status: .refused)
        default: self.init(error.description)
        }
    }

    /// An error of the database.
    init(database error: PostgresError) {
        switch error {
        case .server(let server) where ["3F000", "42P01", "42883", "42703"].contains(server.sqlState):
            // A missing schema or table; a missing function or column is a schema of an older version.
            let isOld = server.sqlState == "42883" || server.sqlState == "42703"
            self.init(
                isOld ? "the database's schema is of another version" : "the database has no Moose schema",
                why: isOld ? server.message : nil, next: "Run `moose migrate`", status: .refused)
        case .server(let server) where server.sqlState == "42501":
            self.init(
                "the database denied access", why: server.message,
                next: "Log in as the role that owns the schema, or let it grant what `moose doctor` names",
                status: .refused)
        case .server(let server) where server.sqlState == "57014":
            // The time-out of its session, or an administrator.
            self.init(
                "the database gave the statement up", why: server.message,
                next: "Ask for less, as with --limit or a filter, or try again when the server has less to do")
        case .server(let server) where server.sqlState.hasPrefix("MS"):
            // The schema's own rules: their messages are meant for people.
            self.init(server.message, next: server.hint, status: .refused)
        case .unreachable, .authenticationFailed, .databaseMissing, .connectionLost, .timeout:
            self.init(error.description, status: .unreachable)
        case .invalidConfiguration: self.init(error.description, status: .usage)
        case .unsuitable: self.init(error.description, status: .refused)
        case .server, .cancelled, .decoding, .transactionAborted, .closed: self.init(error.description)
        }
    }
}
