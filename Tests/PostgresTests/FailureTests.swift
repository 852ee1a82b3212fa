import Glibc
import IOThread
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `When the database is not there` {
    @Test func `a wrong password is called that at once`() async throws {
        let client = try PostgresClient(
            configuration: PostgresConfiguration(url: Server.url(with: "password=wr0ng")), maxConnections: 1)
        let outcome: Result<Void, PostgresError>
        do throws(PostgresError) {
            outcome = .success(try await client.connect())
        } catch {
            outcome = .failure(error)
        }
        let isHealthy = client.isHealthy
        await client.close()
        guard case .failure(let error) = outcome else { try Test.cancel("this server trusts everyone") }
        guard case .authenticationFailed = error else { throw error }
        #expect(!"\(error)".contains("wr0ng"))
        #expect(!isHealthy)
    }

    @Test func `an unknown role is a failed log-in`() async throws {
        try await Server.withClient(PostgresConfiguration(url: Server.url(with: "user=no_such_role"))) { client in
            await #expect {
                try await client.connect()
            } throws: { error in
                if case .authenticationFailed = error as? PostgresError { true } else { false }
            }
        }
    }

    @Test func `a missing database is called that`() async throws {
        try await Server.withClient(PostgresConfiguration(url: Server.url(with: "dbname=no_such_db"))) { client in
            await #expect {
                try await client.connect()
            } throws: { error in
                if case .databaseMissing = error as? PostgresError { true } else { false }
            }
        }
    }

    @Test func `nobody at the port is unreachable, and statements say so when their patience ends`() async throws {
        var configuration = PostgresConfiguration(url: "postgresql://moose@127.0.0.1:1/moose")
        configuration.acquireTimeout = .milliseconds(300)
        try await Server.withClient(configuration) { client in
            for attempt in 1...2 {
                await #expect("attempt \(attempt)") {
                    if attempt == 1 { try await client.connect() } else { _ = try await client.run("SELECT 1") }
                } throws: { error in
                    guard case .unreachable(let reason) = error as? PostgresError else { return false }
                    return reason.contains("refused")
                }
            }
            #expect(!client.isHealthy)
        }
    }

    @Test func `the second host of a URL is tried`() async throws {
        let settings = Server.url(with: "host=127.0.0.1,127.0.0.1&port=1,\(try await Self.port())")
        try await Server.withClient(PostgresConfiguration(url: settings)) { client in
            try await client.connect()
            #expect(client.isHealthy)
        }
    }

    @Test func `a statement whose connection is cut has an unknown outcome, and the next succeeds`() async throws {
        let key = Int64.random(in: .min ... .max)
        try await Server.withClient(maxConnections: 1) { admin in
            try await Server.withClient(maxConnections: 1) { client in
                try await admin.withConnection { holder in
                    _ = try await holder.run("SELECT pg_advisory_lock(\(key))")
                    let pid = try await client.run("SELECT pg_backend_pid()").first?.decode(0, as: Int32.self)
                    let cut = Task { try await client.run("SELECT pg_advisory_lock(\(key))") }
                    try await `A client`.waitForLock(key, holder)
                    _ = try await holder.run("SELECT pg_terminate_backend(\(pid))")
                    await #expect {
                        try await cut.value
                    } throws: { error in
                        guard case .connectionLost(_, let outcomeUnknown) = error as? PostgresError else {
                            return false
                        }
                        return outcomeUnknown
                    }
                    #expect(try await client.run("SELECT 1").first?.decode(0, as: Int.self) == 1)
                    _ = try await holder.run("SELECT pg_advisory_unlock(\(key))")
                }
            }
        }
    }

    @Test func `an idle connection that the server closed is not handed out once that is known`() async throws {
        let name = "moose-test-\(UInt64.random(in: 0 ... .max))"
        let configuration = Server.configuration { configuration in configuration.applicationName = name }
        try await Server.withClient(maxConnections: 1) { admin in
            try await Server.withClient(configuration, maxConnections: 1) { client in
                for _ in 0..<5 {
                    let pid = try await client.run("SELECT pg_backend_pid()").first?.decode(0, as: Int32.self)
                    _ = try await admin.run("SELECT pg_terminate_backend(\(pid), 5000)")
                    // Its replacement shows that the client has seen the end; until then nobody could know.
                    let replaced: Query = """
                        SELECT count(*) FROM pg_stat_activity WHERE application_name = \(name) AND pid <> \(pid)
                        """
                    try await eventually("the lost connection is replaced") {
                        try await admin.run(replaced).first?.decode(0, as: Int.self) != 0
                    }
                    #expect(try await client.run("SELECT pg_backend_pid()").first?.decode(0, as: Int32.self) != pid)
                }
            }
        }
    }

    @Test func `a lost connection is replaced without being asked for, so that health needs no traffic`() async throws {
        let name = "moose-test-\(UInt64.random(in: 0 ... .max))"
        let configuration = Server.configuration { configuration in configuration.applicationName = name }
        try await Server.withClient(maxConnections: 1) { admin in
            try await Server.withClient(configuration, maxConnections: 1) { client in
                let pid = try await client.run("SELECT pg_backend_pid()").first?.decode(0, as: Int32.self)
                _ = try await admin.run("SELECT pg_terminate_backend(\(pid), 5000)")
                let replaced: Query = """
                    SELECT count(*) FROM pg_stat_activity WHERE application_name = \(name) AND pid <> \(pid)
                    """
                try await eventually("the lost connection is replaced") {
                    try await admin.run(replaced).first?.decode(0, as: Int.self) != 0
                }
            }
        }
    }

    @Test func `a transaction cut off before its commit is known to be void`() async throws {
        try await Server.withClient(maxConnections: 1) { admin in
            try await Server.withClient(maxConnections: 1) { client in
                await #expect {
                    try await client.withTransaction { transaction in
                        let pid = try await transaction.run("SELECT pg_backend_pid()").first?.decode(0, as: Int32.self)
                        _ = try await admin.run("SELECT pg_terminate_backend(\(pid), 5000)")
                        _ = try await transaction.run("SELECT 1")
                    }
                } throws: { error in
                    guard case .connectionLost(_, outcomeUnknown: false) = error as? PostgresError else { return false }
                    return true
                }
                _ = try await client.run("SELECT 1")
            }
        }
    }

    @Test(.enabled(if: Server.restartableURL != nil && Server.restartCommand != nil))
    func `a restart fails what is in flight; statements, health and notifications come back`() async throws {
        let url = try #require(Server.restartableURL)
        let command = try #require(Server.restartCommand)
        try await Server.withClient(PostgresConfiguration(url: url)) { client in
            var events = client.notifications(on: "restart").makeAsyncIterator()
            #expect(await events.next()?.kind == .listening)
            try await client.withConnection(reusable: false) { holder in
                _ = try await holder.run("SELECT pg_advisory_lock(\(77))")
                let inFlight = Task { try await client.run("SELECT pg_advisory_lock(\(77))") }
                try await `A client`.waitForLock(77, holder)
                #expect(await Self.shell(command) == 0)
                await #expect {
                    try await inFlight.value
                } throws: { error in
                    guard case .connectionLost(_, let outcomeUnknown) = error as? PostgresError else { return false }
                    return outcomeUnknown
                }
            }
            _ = try await client.run("SELECT 1")
            #expect(client.isHealthy)
            #expect(await events.next()?.kind == .listening)
            _ = try await client.run("SELECT pg_notify('restart', 'again')")
            #expect(await events.next()?.kind == .notification(payload: "again"))
        }
    }

    private static func port() async throws -> String {
        try await Server.withClient { client in
            try await client.run("SELECT current_setting('port')").first?.decode(0, as: String.self) ?? ""
        }
    }

    /// Runs a command on a thread of its own; returns its exit status.
    private static func shell(_ command: String) async -> Int32 {
        await withCheckedContinuation { continuation in
            let thread = try? IOThread(name: "shell") { continuation.resume(returning: unsafe system(command)) }
            thread?.detach()
        }
    }
}
