internal import Glibc

/// One private RabbitMQ and one private PostgreSQL in a folder: beside those of the system, on loopback ports of their
/// own, as root or as anybody.
///
/// The folder is the identity: any process that names the same folder sees and controls the same two servers, which
/// outlive the process that started them until ``stop()``.
package struct Stack: Sendable {
    private let folder: String
    private let options: StackOptions

    /// - Parameter folder: made when missing; `.moose` in the current folder is the habit.
    package init(folder: String = ".moose", options: StackOptions = StackOptions()) {
        self.folder = folder
        self.options = options
    }

    // MARK: Start and stop

    /// Starts what isn't running, both servers at a time, and returns when clients can use them.
    ///
    /// Running twice, or while another process does the same, changes nothing. A server whose options differ is
    /// restarted. If one can't start, the servers this call started are ended again.
    /// - Throws: ``StackError``.
    @concurrent
    package func start() async throws -> StackAddresses {
        let folder = try StackLayout.makeFolder(folder)
        return try await StackLock.hold(in: folder) {
            let idle = StackServer.allCases.filter { server in run(server, folder).leader == nil }
            do {
                return try await start(folder, idle: idle)
            } catch {
                await shielded { for server in idle { await run(server, folder).kill() } }
                throw error
            }
        }
    }

    /// Ends both servers, and nothing else. Data stay. Without a stack it does nothing.
    @concurrent
    package func stop() async throws {
        guard StackLayout.exists(folder) else { return }
        let folder = try StackLayout.absolute(folder)
        try await StackLock.hold(in: folder) {
            await shielded {
                async let broker: Void = run(.broker, folder).stop()
                async let database: Void = run(.database, folder).stop()
                _ = await (broker, database)
            }
        }
    }

    /// Ends both servers at once and deletes their data, wherever they are.
    @concurrent
    package func remove() async throws {
        guard StackLayout.exists(folder) else { return }
        let folder = try StackLayout.absolute(folder)
        try await StackLock.hold(in: folder) {
            try await shielded {
                for server in StackServer.allCases { await run(server, folder).kill() }
                try StackLayout.removeServers(of: folder)
                unsafe unlink(StackLayout.record(in: folder))
            }
        }
    }

    // MARK: Questions

    /// What the servers are doing. Starts and changes nothing.
    @concurrent
    package func status() async throws -> StackStatus {
        let folder = try StackLayout.absolute(folder)
        let record = try StackRecord.load(from: StackLayout.record(in: folder))
        func server(_ kind: StackServer, probe: (StackPorts) -> Probe) async throws -> StackStatus.Server {
            let leader = run(kind, folder).leader
            var state = leader == nil ? StackStatus.State.stopped : .unresponsive
            if leader != nil, let record, try await probe(record.ports).succeeds() { state = .ready }
            let ports = record?.ports
            let log = "\(StackLayout.link(in: folder))/\(kind.rawValue).log"
            return StackStatus.Server(state: state, pid: leader?.pid, port: ports?.ports(of: kind).first, log: log)
        }
        return try await StackStatus(
            folder: folder,
            broker: server(.broker) { ports in .broker(port: ports.amqp) },
            database: server(.database) { ports in .database(port: ports.database) }
        )
    }

    /// What programs need to reach this stack, for their environment. Holds passwords.
    /// - Throws: ``StackError/neverStarted(folder:)`` before the first start.
    package func environment() throws -> [(name: String, value: String)] {
        let record = try existing().record
        return [
            ("MOOSE_AMQP_URL", record.amqpURL), ("MOOSE_DATABASE_URL", record.databaseURL),
            ("PGHOST", StackRecord.host), ("PGPORT", String(record.ports.database)), ("PGUSER", StackRecord.name),
            ("PGPASSWORD", record.databasePassword), ("PGDATABASE", StackRecord.name),
        ]
    }

    /// The URL of another virtual host on this broker, whether it exists or not.
    package func amqpURL(virtualHost: String) throws -> String {
        try existing().record.amqpURL(virtualHost: virtualHost)
    }

    /// The URL of another database of this server, whether it exists or not.
    package func databaseURL(database: String) throws -> String {
        try existing().record.databaseURL(database: database)
    }

    // MARK: Inside the servers

    /// Runs one SQL statement as the superuser and returns its rows, a line each.
    @concurrent
    package func query(_ statement: String, database: String = "moose") async throws -> String {
        let (layout, record) = try existing()
        return try await Database(layout: layout, record: record).query(statement, database: database)
    }

    /// Runs Erlang expressions inside the broker (`rabbitmqctl eval` in milliseconds) and returns the last one's value.
    @concurrent
    package func evaluate(_ expressions: String) async throws -> String {
        let (layout, record) = try existing()
        return try await Broker(layout: layout, record: record, options: options).evaluate(expressions)
    }

    // MARK: Failures on purpose

    /// Stops one server in order and starts it again on the same ports.
    @concurrent
    package func restart(_ server: StackServer) async throws {
        let folder = try StackLayout.absolute(folder)
        await shielded { await run(server, folder).stop() }
        _ = try await start()
    }

    /// Kills one server with all its helpers, as a crash would. ``start()`` brings it back on the same ports.
    @concurrent
    package func kill(_ server: StackServer) async throws {
        let folder = try StackLayout.absolute(folder)
        await shielded { await run(server, folder).kill() }
    }

    /// Sends any signal to one server with all its helpers: SIGSTOP to freeze it, SIGCONT to let it go on.
    package func signal(_ server: StackServer, _ signal: Int32) throws {
        try run(server, StackLayout.absolute(folder)).signal(signal)
    }
}

// MARK: - Steps

extension Stack {
    private func run(_ server: StackServer, _ folder: String) -> ServerRun { ServerRun(folder: folder, kind: server) }

    private func existing() throws -> (layout: StackLayout, record: StackRecord) {
        let folder = try StackLayout.absolute(folder)
        guard let record = try StackRecord.load(from: StackLayout.record(in: folder)) else {
            throw StackError.neverStarted(folder: folder)
        }
        return try (StackLayout.existing(folder: folder), record)
    }

    private func start(_ folder: String, idle: [StackServer]) async throws -> StackAddresses {
        var attempts = 3
        while true {
            attempts -= 1
            let (layout, record) = try await prepare(folder)
            do {
                try await start(layout, record)
                return try addresses(folder, record)
            } catch {
                // Somebody may have taken a port between its choice and its use; then another is chosen.
                let isTaken = idle.contains { server in
                    run(server, folder).leader == nil && !record.ports.areFree(for: server)
                }
                guard attempts > 0, isTaken else { throw error }
            }
        }
    }

    /// The folders, and a record whose ports can be used.
    private func prepare(_ folder: String) async throws -> (StackLayout, StackRecord) {
        let path = StackLayout.record(in: folder)
        var record: StackRecord
        if let known = try StackRecord.load(from: path) {
            record = known
        } else {
            // Servers whose passwords are lost are of no use to anybody.
            for server in StackServer.allCases { await run(server, folder).kill() }
            try StackLayout.removeServers(of: folder)
            record = try StackRecord.make()
            try record.save(to: path)
        }
        let layout = try StackLayout.prepare(folder: folder)
        let wanted = record
        for server in StackServer.allCases where run(server, folder).leader == nil {
            // What a crash left behind, such as epmd, still holds our own ports.
            await run(server, folder).kill()
            if await !becomeFree(record.ports, for: server) { try record.ports.replace(for: server, from: .choose()) }
        }
        if record != wanted { try record.save(to: path) }
        return (layout, record)
    }

    /// A server that was just killed lets go of its ports a moment after its process seems to be gone. Waits that long, so
    /// that addresses stay what they are.
    private func becomeFree(_ ports: StackPorts, for server: StackServer) async -> Bool {
        for _ in 1...50 {
            if ports.areFree(for: server) { return true }
            // Cancelled: the last look decides.
            try? await Task.sleep(for: .milliseconds(100))
        }
        return ports.areFree(for: server)
    }

    private func start(_ layout: StackLayout, _ record: StackRecord) async throws {
        let broker = Broker(layout: layout, record: record, options: options)
        let database = Database(layout: layout, record: record)
        let timeout = options.startTimeout
        async let brokerStart: Void = run(.broker, layout.folder).start(broker, timeout: timeout)
        async let databaseStart: Void = run(.database, layout.folder).start(database, timeout: timeout)
        // The database is the quicker one, also with its errors.
        _ = try await (databaseStart, brokerStart)
    }

    private func addresses(_ folder: String, _ record: StackRecord) throws -> StackAddresses {
        guard let broker = run(.broker, folder).leader, let database = run(.database, folder).leader else {
            throw StackError.neverStarted(folder: folder)
        }
        return StackAddresses(
            amqpURL: record.amqpURL,
            databaseURL: record.databaseURL,
            host: StackRecord.host,
            amqpPort: record.ports.amqp,
            databasePort: record.ports.database,
            brokerPID: broker.pid,
            databasePID: database.pid
        )
    }

    /// Runs to its end even when the caller is cancelled: half-stopped servers would be nobody's.
    private func shielded<Failure>(_ body: @escaping @Sendable () async throws(Failure) -> Void) async throws(Failure) {
        do {
            try await Task { try await body() }.value
        } catch let error as Failure {
            throw error
        } catch {
            // A task fails with what its body throws, nothing else.
        }
    }
}
