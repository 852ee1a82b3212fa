import FoundationEssentials
import Glibc
import LedgerClient
import Postgres
import Synchronization
import TestSupport
import Testing
import WorkOrders

/// The database goes away, with and without an answer on its way. One after the other: they share a server.
@Suite(.serialized) struct FailureTests {
    @Test func `without a database there is an error in time and no money`() async throws {
        let client = try PostgresClient(
            configuration: PostgresConfiguration(url: "postgresql://moose@127.0.0.1:1/moose"), maxConnections: 1)
        let coalescer = LedgerCoalescer(LedgerBatch(client))
        let answer = await outcome { () async throws(LedgerError) in
            try await coalescer.reserve(LedgerDatabase.request(), within: .milliseconds(500))
        }
        await coalescer.close(within: .zero)
        await client.close()
        guard case .failure(.unavailable) = answer else {
            Issue.record("without a database it was answered \(answer)")
            return
        }
    }

    @Test func `a backend that dies before the commit costs a second try and one hold`() async throws {
        try await LedgerDatabase.open { database in
            var asked: Task<HoldAnswer, any Error>?
            let request = LedgerDatabase.request(micro: 6)
            try await database.whileLocked {
                asked = Task { try await database.coalescer.reserve(request, within: .seconds(60)) }
                try await terminate(database, whileWaitingFor: "Lock")
            }
            let grant = try await asked?.value.grant
            #expect(grant?.isReplay == false)
            #expect(database.coalescer.counts().retries >= 1)
            #expect(try await database.held() == 6)
        }
    }

    @Test(.enabled(if: LedgerDatabase.restartableURL != nil))
    func `a grant whose reply is lost is replayed, not taken twice`() async throws {
        try await LedgerDatabase.openRestartable { database in
            let request = LedgerDatabase.request(micro: 6)
            // A commit waits for a standby that does not exist: it is durable, and nobody was told.
            try await setStandby(database, "nobody")
            let asked = Task { try await database.coalescer.reserve(request, within: .seconds(60)) }
            try await terminate(database, whileWaitingFor: "IPC")
            try await setStandby(database, "")
            #expect(try await asked.value.grant?.isReplay == true)
            #expect(try await database.count("moose.budget_holds") == 1)
            #expect(try await database.held() == 6)
        }
    }

    @Test(.enabled(if: LedgerDatabase.restartableURL != nil))
    func `a caller that left before its lost reply leaves no hold behind`() async throws {
        try await LedgerDatabase.openRestartable { database in
            let request = LedgerDatabase.request(micro: 6)
            try await setStandby(database, "nobody")
            let asked = Task { try await database.coalescer.reserve(request, within: .seconds(60)) }
            try await eventually("the commit waits") { try await waiting(database, for: "IPC") == 1 }
            asked.cancel()
            #expect(await asked.result.failure == .cancelled(wasSent: true))
            try await terminate(database, whileWaitingFor: "IPC")
            try await setStandby(database, "")
            try await eventually("the hold was given back") { try await database.state(request.name) == "cancelled" }
            #expect(try await database.held() == 0)
        }
    }

    @Test(.enabled(if: LedgerDatabase.restartableURL != nil))
    func `a restart of the server is waited out`() async throws {
        let command = try #require(ProcessInfo.processInfo.environment["MOOSE_TEST_RESTART_COMMAND"])
        try await LedgerDatabase.openRestartable { database in
            let two = MicroUSD(microdollars: 2)
            #expect(try await database.coalescer.reserve(LedgerDatabase.request(micro: 2)).grant?.estimate == two)
            let isDone = Atomic(false)
            let restart = Task.detached {
                defer { isDone.store(true, ordering: .relaxed) }
                return unsafe system(command)
            }
            var asked = 0
            while !isDone.load(ordering: .relaxed) {
                let request = LedgerDatabase.request(micro: 2)
                #expect(try await database.coalescer.reserve(request, within: .seconds(120)).grant?.estimate == two)
                asked += 1
            }
            #expect(await restart.value == 0)
            try await eventually("every grant is on hold, once") {
                // The auditor's connection broke as well.
                (try? await database.held()) == 2 * Int64(asked + 1)
            }
        }
    }

    private func setStandby(_ database: LedgerDatabase, _ name: String) async throws {
        _ = try await database.auditor.run("ALTER SYSTEM SET synchronous_standby_names TO \(unescaped: "'\(name)'")")
        _ = try await database.auditor.run("SELECT pg_reload_conf()")
        try await eventually("the setting is in force") {
            let row = try await database.auditor.run("SELECT current_setting('synchronous_standby_names')").first
            return try row?.decode(0, as: String.self) == name
        }
    }

    private func terminate(_ database: LedgerDatabase, whileWaitingFor event: String) async throws {
        try await eventually("the statement waits") { try await waiting(database, for: event) == 1 }
        _ = try await database.auditor.run(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'coalescer'
            """)
    }

    private func waiting(_ database: LedgerDatabase, for event: String) async throws -> Int64 {
        try await database.count(
            """
            pg_stat_activity WHERE datname = current_database() AND application_name = 'coalescer'
            AND wait_event_type = '\(event)'
            """)
    }
}

extension Result where Failure == any Error {
    fileprivate var failure: LedgerError? { if case .failure(let error) = self { error as? LedgerError } else { nil } }
}
