import Logging
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `A client` {
    @Test func `answers a thousand concurrent statements over two connections`() async throws {
        try await Server.withClient(maxConnections: 2) { client in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        try await client.run("SELECT \(number)").first?.decode(0, as: Int.self) ?? -1
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 499_500)
            #expect(client.status().open == 2)
        }
    }

    @Test func `hears the server's reason and goes on`() async throws {
        try await Server.withClient(maxConnections: 1) { (client) async throws in
            await #expect {
                try await client.run("SELECT 1 / \(0)")
            } throws: { error in
                (error as? PostgresError)?.sqlState == "22012"
            }
            await #expect {
                try await client.run("SELEKT 1")
            } throws: { error in
                (error as? PostgresError)?.sqlState == "42601"
            }
            #expect(try await client.run("SELECT 5").first?.decode(0, as: Int.self) == 5)
        }
    }

    @Test func `learns which constraint was broken`() async throws {
        try await Server.withClient { client in
            await #expect {
                try await client.withTransaction { transaction in
                    try await transaction.runSimple(
                        "CREATE TEMPORARY TABLE u (n int8 CONSTRAINT only_once UNIQUE) ON COMMIT DROP")
                    _ = try await transaction.run("INSERT INTO u VALUES (\(1)), (\(1))")
                }
            } throws: { error in
                guard case .server(let error) = error as? PostgresError else { return false }
                return error.sqlState == "23505" && error.constraint == "only_once"
            }
        }
    }

    @Test func `commits a transaction that returns and rolls back one that throws`() async throws {
        struct Refused: Error {}
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                try await client.runSimple("CREATE TABLE public.t (n int8)")
                try await client.withTransaction { transaction in
                    _ = try await transaction.run("INSERT INTO public.t VALUES (\(1))")
                }
                await #expect(throws: Refused.self) {
                    try await client.withTransaction { transaction in
                        _ = try await transaction.run("INSERT INTO public.t VALUES (\(2))")
                        throw Refused()
                    }
                }
                let result = try await client.run("SELECT n FROM public.t")
                #expect(try result.rows.map { row in try row.decode(0, as: Int.self) } == [1])
            }
        }
    }

    @Test func `does not call a transaction committed whose statement had failed`() async throws {
        try await Server.withClient { client in
            await #expect(throws: PostgresError.transactionAborted) {
                try await client.withTransaction { transaction in _ = try? await transaction.run("SELECT 1 / 0") }
            }
        }
    }

    @Test func `never hands on a connection with a transaction left open`() async throws {
        try await Server.withClient(maxConnections: 1) { client in
            try await client.runSimple("BEGIN")
            #expect(try await client.run("SELECT pg_current_xact_id_if_assigned()::text").first != nil)
            try await client.withConnection { connection in
                try await connection.runSimple("BEGIN; CREATE TEMPORARY TABLE left_open (n int8)")
            }
            let found = try await client.run("SELECT to_regclass('left_open')::text")
            #expect(try found.first?.decode(0, as: String?.self) == nil)
        }
    }

    @Test func `closes a lent connection whose user threw, so that its locks go`() async throws {
        struct Refused: Error {}
        try await Server.withClient(maxConnections: 1) { client in
            let key = Int64.random(in: .min ... .max)
            await #expect(throws: Refused.self) {
                try await client.withConnection { connection in
                    _ = try await connection.run("SELECT pg_advisory_lock(\(key))")
                    throw Refused()
                }
            }
            _ = try await client.run("SELECT pg_advisory_xact_lock(\(key))")
        }
    }

    @Test func `prepares again when the schema has changed under a plan`() async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                try await client.runSimple("CREATE TABLE public.t (n int8); INSERT INTO public.t VALUES (1)")
                let query: Query = "SELECT * FROM public.t"
                #expect(try await client.run(query).columnCount == 1)
                try await client.runSimple("ALTER TABLE public.t ADD COLUMN m text")
                #expect(try await client.run(query).columnCount == 2)
                try await client.runSimple("DISCARD ALL")
                #expect(try await client.run(query).columnCount == 2)
            }
        }
    }

    @Test func `sets up each session as configured`() async throws {
        let configuration = Server.configuration { configuration in
            configuration.applicationName = "moose-test"
            configuration.statementTimeout = .seconds(7)
            configuration.lockTimeout = .milliseconds(1500)
            configuration.options = ["work_mem": "5MB", "moose.note": "it's \\ quoted"]
        }
        try await Server.withClient(configuration) { client in
            let result = try await client.run(
                """
                SELECT current_setting('application_name'), current_setting('statement_timeout'),
                    current_setting('lock_timeout'), current_setting('TimeZone'), current_setting('work_mem'),
                    current_setting('moose.note'), current_setting('client_encoding')
                """)
            let row = try #require(result.first)
            let values = try (0..<7).map { column in try row.decode(column, as: String.self) }
            #expect(values == ["moose-test", "7s", "1500ms", "UTC", "5MB", "it's \\ quoted", "UTF8"])
        }
    }

    @Test func `is stopped by the server when a statement takes too long`() async throws {
        let configuration = Server.configuration { configuration in configuration.statementTimeout = .milliseconds(50) }
        try await Server.withClient(configuration) { client in
            await #expect {
                try await client.run("SELECT pg_sleep(60)")
            } throws: { error in
                (error as? PostgresError)?.sqlState == "57014" && (error as? PostgresError)?.isTransient == true
            }
            _ = try await client.run("SELECT 1")
        }
    }

    @Test func `drops a cancelled waiter and serves the next`() async throws {
        try await Server.withClient(maxConnections: 1) { client in
            try await client.withConnection { connection in
                let waiter = Task { try await client.run("SELECT 'never sent'") }
                try await eventually("somebody waits") { client.status().waiting > 0 }
                waiter.cancel()
                await #expect(throws: PostgresError.cancelled(wasSent: false)) { try await waiter.value }
                _ = try await connection.run("SELECT 1")
            }
            #expect(try await client.run("SELECT 2").first?.decode(0, as: Int.self) == 2)
        }
    }

    @Test func `lets a statement in flight finish when its task is cancelled`() async throws {
        let key = Int64.random(in: .min ... .max)
        try await Server.withClient(maxConnections: 2) { client in
            try await client.withConnection { connection in
                _ = try await connection.run("SELECT pg_advisory_lock(\(key))")
                let running = Task { try await client.run("SELECT pg_advisory_lock(\(key))") }
                try await Self.waitForLock(key, connection)
                running.cancel()
                await #expect(throws: PostgresError.cancelled(wasSent: true)) { try await running.value }
                _ = try await connection.run("SELECT pg_advisory_unlock(\(key))")
                // The abandoned statement gets the lock and its connection is usable again.
                let unlocked = try await client.run("SELECT pg_advisory_unlock(\(key))")
                #expect(try unlocked.first?.decode(0, as: Bool.self) == true)
            }
        }
    }

    @Test func `rolls back the transaction of a cancelled task before anyone else gets its connection`() async throws {
        let key = Int64.random(in: .min ... .max)
        try await Server.withClient(maxConnections: 1) { holder in
            try await Server.withClient(maxConnections: 1) { client in
                try await holder.withConnection { connection in
                    _ = try await connection.run("SELECT pg_advisory_lock(\(key))")
                    let cancelled = Task {
                        try await client.withTransaction { transaction in
                            try await transaction.runSimple("CREATE TEMPORARY TABLE half_done (n int8)")
                            _ = try await transaction.run("SELECT pg_advisory_xact_lock(\(key))")
                        }
                    }
                    try await Self.waitForLock(key, connection)
                    cancelled.cancel()
                    await #expect(throws: PostgresError.cancelled(wasSent: true)) { try await cancelled.value }
                    _ = try await connection.run("SELECT pg_advisory_unlock(\(key))")
                }
                let found = try await client.run("SELECT to_regclass('half_done')::text")
                #expect(try found.first?.decode(0, as: String?.self) == nil)
            }
        }
    }

    @Test func `survives a thousand tasks that are cancelled at any moment`() async throws {
        try await Server.withClient(maxConnections: 2) { (client) async throws in
            await withTaskGroup { group in
                for number in 0..<1000 {
                    group.addTask {
                        let task = Task {
                            if number.isMultiple(of: 3) {
                                try await client.withConnection { connection in
                                    _ = try await connection.run("SELECT 1")
                                }
                            } else {
                                _ = try await client.run("SELECT \(number)")
                            }
                        }
                        for _ in 0..<(number % 7) { await Task.yield() }
                        task.cancel()
                        _ = await task.result
                    }
                }
            }
            #expect(try await client.run("SELECT 1").rowCount == 1)
            #expect(client.status().waiting == 0)
        }
    }

    @Test func `answers every waiter when it is closed`() async throws {
        let client = try PostgresClient(configuration: Server.configuration(), maxConnections: 1)
        try await client.withConnection { connection in
            let waiters = (0..<20).map { _ in Task { try await client.run("SELECT 1") } }
            try await eventually("all wait") { client.status().waiting == 20 }
            await client.close()
            for waiter in waiters { await #expect(throws: PostgresError.closed) { try await waiter.value } }
            await #expect(throws: PostgresError.self) { try await connection.run("SELECT 1") }
        }
        await #expect(throws: PostgresError.closed) { try await client.run("SELECT 1") }
        await client.close()
    }

    @Test func `ends its thread when it is forgotten without being closed`() async throws {
        var client: PostgresClient? = try PostgresClient(configuration: Server.configuration(), maxConnections: 1)
        try await client?.connect()
        let stream = client?.notifications(on: "forgotten")
        client = nil
        for await _ in try #require(stream) {}
    }

    @Test func `writes the server's notices to its log, and to nothing else`() async throws {
        let recorder = LogRecorder()
        var logger = Logger(label: "test") { _ in recorder }
        logger.logLevel = .debug
        let client = try PostgresClient(configuration: Server.configuration(), maxConnections: 1, logger: logger)
        try await client.runSimple("DO $$ BEGIN RAISE NOTICE 'hear ye'; END $$")
        await client.close()
        #expect(recorder.lines.withLock { lines in lines }.contains { line in line.contains("hear ye") })
    }
}

extension `A client` {
    /// Returns when somebody waits for an advisory lock.
    static func waitForLock(_ key: Int64, _ connection: PostgresConnection) async throws {
        let query: Query = """
            SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND classid = ((\(key) >> 32) & 4294967295)::oid AND objid = (\(key) & 4294967295)::oid
            """
        try await eventually("somebody waits for the lock") {
            try await connection.run(query).first?.decode(0, as: Int.self) != 0
        }
    }
}
