internal import FoundationEssentials
internal import Glibc

/// A private PostgreSQL cluster with passwords everywhere and fsync on: its durability is the real one.
struct Database: Server {
    let layout: StackLayout
    let record: StackRecord

    var kind: StackServer { .database }
    var probe: Probe { .database(port: record.ports.database) }
    var logs: [String] { [layout.output(of: .database)] }

    static func dataFolder(servers: String) -> String { "\(servers)/\(StackServer.database.rawValue)/data" }

    private var data: String { Self.dataFolder(servers: layout.servers) }

    func prepare() async throws -> Bool {
        let isChanged = try layout.writeConfiguration(configuration, name: "postgresql.conf")
        if version(of: data) == nil { try await initialize() }
        return isChanged
    }

    private var configuration: String {
        """
        listen_addresses = '\(StackRecord.host)'
        port = \(record.ports.database)
        unix_socket_directories = '\(layout.data(of: .database))'
        max_connections = 300
        shared_buffers = 256MB
        effective_cache_size = 1GB
        random_page_cost = 1.1
        max_wal_size = 2GB
        checkpoint_timeout = 15min
        checkpoint_completion_target = 0.9
        autovacuum_naptime = 10s
        jit = off
        timezone = 'UTC'
        log_timezone = 'UTC'
        log_line_prefix = '%m [%p] '

        """
    }

    /// Made under another name first: an interrupted initdb leaves nothing that looks finished.
    private func initialize() async throws {
        guard let program = Self.newestProgram("initdb") else { throw StackError.missingPackages(["postgresql"]) }
        let draft = "\(data).new"
        if FileManager.default.fileExists(atPath: draft) { try FileManager.default.removeItem(atPath: draft) }
        var command = command([
            program, "--pgdata=\(draft)", "--username=\(StackRecord.name)", "--pwfile=/dev/fd/0",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
        ])
        command.input = record.databasePassword + "\n"
        _ = try await command.run()
        guard unsafe rename(draft, data) == 0 else {
            throw StackError.folderUnusable(path: data, reason: "It could not be made (errno \(errno))")
        }
    }

    func launchCommand() throws -> Command {
        guard let version = version(of: data), let program = Self.program("postgres", version: version) else {
            throw StackError.otherDatabaseVersion(found: version(of: data) ?? "", data: data)
        }
        var command = command([program, "-D", data, "-c", "config_file=\(layout.servers)/postgresql.conf"])
        command.environment.append(ServerProcess.mark(.database, folder: layout.folder))
        return command
    }

    /// With no process of this cluster alive its lock files are stale, even if another program, or a zombie that nobody
    /// waits for, has that pid by now.
    func clearRemains() {
        unsafe unlink("\(data)/postmaster.pid")
        let folder = layout.data(of: .database)
        for name in FolderListing.names(in: folder) where name.hasPrefix(".s.PGSQL.") {
            unsafe unlink("\(folder)/\(name)")
        }
    }

    func finishStart() async throws {
        let name = StackRecord.name
        let known = try await query("SELECT 1 FROM pg_database WHERE datname = '\(name)'", database: "postgres")
        if known.isEmpty { _ = try await query("CREATE DATABASE \(name)", database: "postgres") }
    }

    /// A server that somebody set up badly must start all the same, so that it can be mended.
    private static let options = [
        "statement_timeout=60s", "lock_timeout=60s", "idle_session_timeout=0", "idle_in_transaction_session_timeout=0",
        "default_transaction_read_only=off", "default_transaction_isolation=read\\ committed", "exit_on_error=off",
        "tcp_user_timeout=0", "client_min_messages=notice", "jit=off", "client_encoding=UTF8",
    ].map { "-c \($0)" }.joined(separator: " ")

    /// Runs one statement.
    /// - Returns: its rows, a line each, without decoration.
    func query(_ statement: String, database: String) async throws -> String {
        guard let program = Self.newestProgram("psql") else { throw StackError.missingPackages(["postgresql-client"]) }
        let command = Command(
            arguments: [program, "--no-psqlrc", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement],
            environment: [
                "PGHOST=\(StackRecord.host)", "PGPORT=\(record.ports.database)", "PGUSER=\(StackRecord.name)",
                "PGPASSWORD=\(record.databasePassword)", "PGDATABASE=\(database)", "LANG=C.UTF-8", "HOME=/",
                "PGOPTIONS=\(Self.options)",
            ],
            folder: "/"
        )
        return try await command.run().trimmingSuffix("\n")
    }

    private func command(_ arguments: [String]) -> Command {
        let home = layout.data(of: .database)
        return Command(
            arguments: arguments,
            environment: ["HOME=\(home)", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"],
            folder: home,
            account: layout.account
        )
    }

    // MARK: What is installed

    private func version(of data: String) -> String? {
        guard let text = FileManager.default.contents(atPath: "\(data)/PG_VERSION") else { return nil }
        return String(decoding: text, as: UTF8.self).trimmingSuffix("\n")
    }

    /// Debian keeps each major version apart; elsewhere there is one.
    private static func program(_ name: String, version: String) -> String? {
        ["/usr/lib/postgresql/\(version)/bin/\(name)", "/usr/local/bin/\(name)", "/usr/bin/\(name)"]
            .first { path in FileManager.default.isExecutableFile(atPath: path) }
    }

    private static func newestProgram(_ name: String) -> String? {
        let installed = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let newest = installed.compactMap { version in Int(version) }.max().map(String.init) ?? ""
        return program(name, version: newest)
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: Character) -> String {
        var text = Substring(self)
        while text.last == suffix { text = text.dropLast() }
        return String(text)
    }
}
