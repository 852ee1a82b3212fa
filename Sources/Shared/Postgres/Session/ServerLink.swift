internal import CLibPQ
internal import Glibc
internal import Logging

/// The smallest face on one libpq connection: every C call, no decisions. Owned by one thread.
@safe final class ServerLink {
    private let connection: OpaquePointer
    private let notices: NoticeLog

    /// What `PQconnectPoll` waits for.
    enum ConnectStep { case reading, writing, ready, failed }

    /// Where the server stands in a transaction.
    enum TransactionStatus { case idle, active, inTransaction, unknown }

    /// Begins to connect. Resolving a host name may block the calling thread: libpq knows no other way.
    init(_ configuration: PostgresConfiguration, host: ServerHost, logger: Logger?) throws(PostgresError) {
        // What stands before the URL is a default, what stands after it is ours to decide. Of the addresses of a name,
        // a standby's is passed over.
        var settings: [(String, String)] = [
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"), ("fallback_application_name", configuration.applicationName),
            ("dbname", configuration.url), ("client_encoding", "UTF8"), ("target_session_attrs", "primary"),
        ]
        settings += host.settings.map { name, value in (name, value) }
        if !configuration.isProbe {
            let others = ServerHost.connectionSettings(of: configuration.url)["options"]
            settings.append(("options", SessionPins(configuration: configuration).startOptions(after: others)))
        }
        guard let connection = unsafe ServerLink.start(settings) else {
            throw .unreachable(reason: "No memory for a connection")
        }
        unsafe self.connection = unsafe connection
        notices = NoticeLog(logger: logger)
        // Verbose while connecting: it is the only way libpq tells the SQLSTATE of a refused log-in.
        _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        unsafe notices.attach(to: connection)
    }

    deinit { unsafe PQfinish(connection) }

    private static func start(_ settings: [(String, String)]) -> OpaquePointer? {
        let keywords = unsafe settings.map { keyword, _ in unsafe UnsafePointer(strdup(keyword)) } + [nil]
        let values = unsafe settings.map { _, value in unsafe UnsafePointer(strdup(value)) } + [nil]
        defer {
            for index in settings.indices {
                unsafe free(UnsafeMutablePointer(mutating: keywords[index]))
                unsafe free(UnsafeMutablePointer(mutating: values[index]))
            }
        }
        return unsafe PQconnectStartParams(keywords, values, 1)
    }

    var fileDescriptor: Int32 { unsafe PQsocket(connection) }
    /// The process that the server, or whatever answered in its place, named when the session began.
    var backend: Int32 { unsafe PQbackendPID(connection) }
    /// True when the connection is gone, or the server said that it is going.
    var isBroken: Bool { unsafe notices.farewell != nil || PQstatus(connection) == CONNECTION_BAD }
    var needsPassword: Bool { unsafe PQconnectionNeedsPassword(connection) != 0 }
    var isBusy: Bool { unsafe PQisBusy(connection) != 0 }

    /// libpq's last words, in one line.
    var errorMessage: String {
        let message = unsafe notices.farewell ?? String(cString: PQerrorMessage(connection))
        return message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    var transactionStatus: TransactionStatus {
        switch unsafe PQtransactionStatus(connection) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS, PQTRANS_INERROR: .inTransaction
        default: .unknown
        }
    }

    func continueConnecting() -> ConnectStep {
        switch unsafe PQconnectPoll(connection) {
        case PGRES_POLLING_READING: return .reading
        case PGRES_POLLING_WRITING: return .writing
        case PGRES_POLLING_OK:
            guard unsafe PQsetnonblocking(connection, 1) == 0 else { return .failed }
            _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
            return .ready
        default: return .failed
        }
    }

    // MARK: - Sending; false when the connection is broken

    func sendScript(_ sql: String) -> Bool { unsafe PQsendQuery(connection, sql) != 0 }

    func sendPrepare(_ name: String, _ query: Query) -> Bool {
        let types = query.parameters.map(\.type.rawValue)
        return unsafe PQsendPrepare(connection, name, query.sql, Int32(clamping: types.count), types) != 0
    }

    /// Runs what was prepared under the name, or the text itself when there is no name.
    func sendExecute(_ name: String?, _ query: Query) -> Bool {
        let count = Int32(clamping: query.parameters.count)
        let types = query.parameters.map(\.type.rawValue)
        let lengths = query.parameters.map { parameter in Int32(clamping: parameter.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: query.parameters.count)
        var values: [UnsafePointer<CChar>?] = unsafe []
        unsafe values.reserveCapacity(query.parameters.count)
        let status = unsafe withValues(query.parameters[...], &values) { values in
            if let name {
                unsafe PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
            } else {
                unsafe PQsendQueryParams(connection, query.sql, count, types, values, lengths, formats, 1)
            }
        }
        return status != 0
    }

    /// Calls `body` with pointers to all parameters, which are valid until it returns.
    private func withValues(
        _ parameters: ArraySlice<Parameter>, _ values: inout [UnsafePointer<CChar>?],
        _ body: ([UnsafePointer<CChar>?]) -> Int32
    ) -> Int32 {
        guard let parameter = parameters.first else { return unsafe body(values) }
        guard let bytes = parameter.bytes else {
            unsafe values.append(nil)
            return unsafe withValues(parameters.dropFirst(), &values, body)
        }
        return unsafe bytes.withUnsafeBytes { buffer in
            // Nil would mean NULL; an empty value needs an address that nobody reads.
            let address = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            unsafe values.append(address ?? UnsafePointer(bitPattern: 1))
            return unsafe withValues(parameters.dropFirst(), &values, body)
        }
    }

    /// Writes what the socket takes.
    /// - Returns: true when some is left, so wait until the socket is writable; nil when the connection is broken.
    func flush() -> Bool? {
        switch unsafe PQflush(connection) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    // MARK: - Receiving

    /// Reads what has arrived; false when the connection is broken.
    func consumeInput() -> Bool { unsafe PQconsumeInput(connection) != 0 }

    /// The next result of the statement in flight; nil when it is finished. Only while not ``isBusy``.
    func nextResult() -> PostgresResult? {
        guard let result = unsafe PQgetResult(connection) else { return nil }
        return unsafe PostgresResult(result)
    }

    func nextNotification() -> PostgresNotification? {
        guard let notification = unsafe PQnotifies(connection) else { return nil }
        defer { unsafe PQfreemem(notification) }
        return unsafe PostgresNotification(
            channel: String(cString: notification.pointee.relname),
            kind: .notification(payload: String(cString: notification.pointee.extra)))
    }
}
