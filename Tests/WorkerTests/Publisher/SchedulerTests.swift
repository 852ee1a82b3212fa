import FoundationEssentials
import Postgres
import Publisher
import Stack
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Schedules with a clock that runs as fast as the test wants: every call says what time it is.
struct SchedulerTests {
    private static func instant(_ text: String) -> Date { Date(rfc3339: text) ?? .distantPast }

    /// Writes a schedule as `moose schedules add` does.
    private func add(
        _ name: String, _ cron: String, zone: String = "UTC", next: Date, template: String? = nil, _ bench: PoolBench
    ) async throws {
        let body = template ?? #"{"kind":"work","title":"\#(name)","lane":"default"}"#
        _ = try await bench.control.postgres.run(
            """
            INSERT INTO moose.schedules (name, cron, time_zone, template, next_run_at)
            VALUES (\(name), \(cron), \(zone), \(body)::text::jsonb, \(next))
            """)
    }

    private func next(_ name: String, _ bench: PoolBench) async throws -> String {
        try #require(
            await bench.control.postgres.run("SELECT next_run_at FROM moose.schedules WHERE name = \(name)").first
        ).decode(0, as: Date.self).rfc3339
    }

    @Test func `five processes fire each tick of twenty schedules exactly once, also when one dies at any moment`()
        async throws
    {
        try await PoolBench.open { bench in
            let url = try await #require(
                bench.control.postgres.run("SELECT current_database()::text").first
            ).decode(0, as: String.self)
            let stack = try await TestStack.shared.stack()
            var configuration = PostgresConfiguration(url: try stack.databaseURL(database: url))
            configuration.applicationName = "scheduler"
            let clients = try (0..<5).map { _ in
                try PostgresClient(configuration: configuration, maxConnections: 2)
            }
            let schedulers = clients.map { Scheduler(store: Store($0), logger: PoolBench.logger) }
            let start = Self.instant("2026-10-24T22:00:00Z")
            var wanted: [String: Set<String>] = [:]
            let zones = [
                "UTC": try await bench.control.zoneOffsets("UTC", around: start),
                "Europe/Berlin": try await bench.control.zoneOffsets("Europe/Berlin", around: start),
            ]
            for number in 0..<20 {
                // Each every few minutes, some by a clock that is put back that night.
                let cron = number < 15 ? "*/\(number % 7 + 1) * * * *" : "*/\(number - 10) 1-4 * * *"
                let zone = number.isMultiple(of: 2) ? "UTC" : "Europe/Berlin"
                let expression = try CronExpression(cron)
                let ticks = expression.ticks(400, after: start, in: try #require(zones[zone]))
                let end = start.addingTimeInterval(6 * 3600)
                let name = "schedule-\(number)"
                wanted[name] = Set(ticks.filter { $0 <= end }.map(\.rfc3339))
                try await add(name, cron, zone: zone, next: ticks[0], bench)
            }
            // Six hours, minute by minute. All five look at once; now and then the connections of all are cut.
            for minute in 0...360 {
                let now = start.addingTimeInterval(Double(minute) * 60)
                if minute.isMultiple(of: 20) {
                    async let attempts: Void = fire(schedulers, at: now, times: 1, tolerant: true)
                    _ = try await bench.control.postgres.run(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = 'scheduler' AND datname = current_database()
                        """)
                    try await attempts
                }
                try await fire(schedulers, at: now, times: 1, tolerant: false)
            }
            for client in clients { await client.close() }
            let rows = try await bench.control.postgres.run(
                """
                SELECT b ->> 'schedule', b ->> 'scheduled_for', count(*) FROM moose.outbox o,
                       LATERAL (SELECT convert_from(o.body, 'UTF8')::jsonb) AS t (b)
                WHERE o.type = 'moose.work-order.v1' GROUP BY 1, 2
                """
            ).rows
            var seen: [String: Set<String>] = [:]
            for row in rows {
                let tick = Self.instant(try row.decode(1, as: String.self)).rfc3339
                seen[try row.decode(0, as: String.self), default: []].insert(tick)
                #expect(try row.decode(2, as: Int64.self) == 1)
            }
            #expect(seen == wanted)
            #expect(try await bench.count("moose.outbox WHERE type = 'moose.error-event.v1'") == 0)
            #expect(try await bench.count("moose.schedules WHERE missed > 0") == 0)
        }
    }

    /// All look at the same time.
    private func fire(_ schedulers: [Scheduler], at now: Date, times: Int, tolerant: Bool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for scheduler in schedulers {
                group.addTask {
                    do {
                        try await scheduler.tick(at: now)
                    } catch {
                        // Its connection was cut: that is the story.
                        guard tolerant || error is PostgresError else { throw error }
                        _ = try? await scheduler.tick(at: now)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a relay that dies between publishing and forgetting doubles nothing that a schedule wrote`()
        async throws
    {
        try await PoolBench.open { bench in
            let scheduler = Scheduler(store: bench.control, logger: PoolBench.logger)
            let start = Self.instant("2026-11-23T00:00:00Z")
            for number in 0..<20 { try await add("s\(number)", "* * * * *", next: start, bench) }
            for minute in 0..<5 { try await scheduler.tick(at: start.addingTimeInterval(Double(minute) * 60)) }
            #expect(try await bench.count("moose.outbox") == 100)
            // Published in full and never forgotten: the process is gone, its leases run out.
            let first = OutboxRelay(store: bench.control, publisher: bench.publisher, logger: PoolBench.logger)
            _ = try await bench.control.postgres.run(
                "CREATE TABLE moose.kept AS SELECT * FROM moose.outbox")
            #expect(try await first.relayOnce() == 100)
            _ = try await bench.control.postgres.run("INSERT INTO moose.outbox SELECT * FROM moose.kept")
            let runs = Mutex<[UUID: Int]>([:])
            let handlers = PoolScriptedHandler.registry { job in
                runs.withLock { $0[job.id, default: 0] += 1 }
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.waitFor(100, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(0, "moose.outbox")
            }
            #expect(runs.withLock { $0.count == 100 && $0.values.allSatisfy { $0 == 1 } })
            #expect(try await bench.count("moose.dead_letters") == 0)
            #expect(try await bench.count("moose.work_orders WHERE app_id = 'moose scheduler'") == 100)
        }
    }

    @Test func `after an outage one order makes up for all missed ticks, and one event says so`() async throws {
        try await PoolBench.open { bench in
            let scheduler = Scheduler(store: bench.control, logger: PoolBench.logger)
            try await add("often", "*/5 * * * *", next: Self.instant("2026-11-23T00:00:00Z"), bench)
            try await scheduler.tick(at: Self.instant("2026-11-23T03:02:00Z"))
            #expect(try await bench.count("moose.outbox WHERE type = 'moose.work-order.v1'") == 1)
            #expect(try await next("often", bench) == "2026-11-23T03:05:00.000Z")
            #expect(try await bench.count("moose.schedules WHERE missed = 36") == 1)
            #expect(
                try await bench.count(
                    """
                    moose.outbox WHERE type = 'moose.error-event.v1'
                    AND convert_from(body, 'UTF8')::json ->> 'message' LIKE '%36 ticks of the schedule often%'
                    """) == 1)
            #expect(try await scheduler.tick(at: Self.instant("2026-11-23T03:04:59Z")) == 0)
            #expect(try await scheduler.tick(at: Self.instant("2026-11-23T03:05:00Z")) == 1)
            #expect(try await bench.count("moose.outbox WHERE type = 'moose.work-order.v1'") == 2)
        }
    }

    @Test func `a schedule that was paused or changed at the last moment doesn't fire`() async throws {
        try await PoolBench.open { bench in
            let tick = Self.instant("2026-11-23T00:00:00Z")
            for name in ["paused", "moved", "changed", "fires"] { try await add(name, "* * * * *", next: tick, bench) }
            let due = try await bench.control.dueSchedules(at: tick)
            #expect(due.map(\.name) == ["changed", "fires", "moved", "paused"])
            try await bench.control.postgres.runSimple(
                """
                UPDATE moose.schedules SET paused_at = now(), paused_by = 'me' WHERE name = 'paused';
                UPDATE moose.schedules SET next_run_at = next_run_at + interval '1 minute' WHERE name = 'moved';
                UPDATE moose.schedules SET cron = '5 * * * *' WHERE name = 'changed';
                """)
            // The process stood still meanwhile: even the tick that another one moved on to has come.
            let later = tick.addingTimeInterval(60)
            let fired = try await bench.control.fire(
                due.map { ScheduleFiring($0, next: later, missed: 0) }, at: tick.addingTimeInterval(300))
            #expect(fired == ["fires"])
            #expect(try await bench.count("moose.outbox") == 1)
            #expect(try await next("moved", bench) == later.rfc3339)
            // The same decision again, as after a lost answer.
            #expect(
                try await bench.control.fire(due.map { ScheduleFiring($0, next: later, missed: 0) }, at: tick) == [])
            #expect(try await bench.count("moose.outbox") == 1)
        }
    }

    @Test func `a tick that is fired again, after the table was set back, is the same order`() async throws {
        try await PoolBench.open { bench in
            let scheduler = Scheduler(store: bench.control, logger: PoolBench.logger)
            let tick = Self.instant("2026-11-23T00:00:00Z")
            for name in ["a", "b"] { try await add(name, "@daily", next: tick, bench) }
            for _ in 1...3 {
                try await scheduler.tick(at: tick)
                try await bench.control.postgres.runSimple("UPDATE moose.schedules SET next_run_at = '2026-11-23'")
            }
            #expect(try await bench.count("moose.outbox") == 2)
            #expect(
                try await bench.count(
                    "moose.outbox WHERE id::text LIKE '________-____-8___-8___-____________' AND id < '01a20a00-0000-8000-8000-000000000000'"
                )
                    == 2, "ids of version 8 that begin with the time")
        }
    }

    @Test func `a schedule that can't be understood is paused and told, and the others go on`() async throws {
        try await PoolBench.open { bench in
            let tick = Self.instant("2026-11-23T00:00:00Z")
            try await add("bad-cron", "61 * * * *", next: tick, bench)
            try await add("bad-zone", "* * * * *", zone: "Atlantis/Centre", next: tick, bench)
            try await add("bad-order", "* * * * *", next: tick, template: #"{"kind":"NO","title":"t"}"#, bench)
            try await add("good", "* * * * *", next: tick, bench)
            let scheduler = Scheduler(store: bench.control, logger: PoolBench.logger)
            try await scheduler.tick(at: tick)
            #expect(try await bench.count("moose.outbox WHERE type = 'moose.work-order.v1'") == 1)
            #expect(try await bench.count("moose.schedules WHERE paused_by = 'moose' AND name LIKE 'bad-%'") == 2)
            #expect(
                try await bench.count(
                    "moose.schedules WHERE name = 'bad-cron' AND paused_because LIKE '%61%minute%field 1 of 5%'") == 1)
            #expect(
                try await bench.count(
                    "moose.schedules WHERE name = 'bad-order' AND next_run_at > '2026-11-23' AND paused_at IS NULL")
                    == 1)
            #expect(
                try await bench.count(
                    """
                    moose.outbox WHERE type = 'moose.error-event.v1'
                    AND convert_from(body, 'UTF8')::json ->> 'component' = 'scheduler'
                    """) == 3)
            #expect(try await bench.count("moose.audit_log WHERE action = 'schedule update'") == 2)
        }
    }

    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "UTC",
        "America/St_Johns", "Pacific/Chatham",
    ])
    func `the rules read from the database say what its clocks say`(zone: String) async throws {
        try await PoolBench.open { bench in
            let start = Self.instant("2026-11-23T00:00:00Z")
            let offsets = try await bench.control.zoneOffsets(zone, around: start)
            #expect(offsets.covers(start, years: 8))
            var instants: [Int64] = offsets.stretches.dropFirst().flatMap { [$0.start - 1, $0.start] }
            var generator = SplitMix64(seed: 3)
            for _ in 0..<200 {
                instants.append(offsets.stretches[0].start + Int64.random(in: 0...8 * 31_000_000, using: &generator))
            }
            let rows = try await bench.control.postgres.run(
                "SELECT moose.zone_offset(\(zone), t) FROM unnest(\(instants)) WITH ORDINALITY AS i (t, n) ORDER BY n"
            ).rows
            for (instant, row) in zip(instants, rows) {
                let wanted = try row.decode(0, as: Int64.self)
                #expect(offsets.stretches.last { $0.start <= instant }?.secondsEast == wanted, "\(instant)")
            }
        }
    }

    @Test func `a running scheduler fires what becomes due, and hears of a new schedule at once`() async throws {
        try await PoolBench.open { bench in
            let scheduler = Scheduler(store: bench.control, logger: PoolBench.logger, poll: .seconds(3600))
            let running = Task { await scheduler.run() }
            defer { running.cancel() }
            // It listens before it sleeps for an hour.
            try await eventually("it listens") {
                try await bench.count(
                    "pg_stat_activity WHERE query LIKE 'LISTEN %moose_schedules%' AND datname = current_database()")
                    == 1
            }
            _ = try await bench.control.postgres.run(
                """
                INSERT INTO moose.schedules (name, cron, time_zone, template, next_run_at)
                VALUES ('soon', '* * * * *', 'UTC', '{"kind": "work", "title": "t"}', now() + interval '1 second')
                """)
            try await eventually("it has fired") {
                try await bench.count("moose.outbox WHERE type = 'moose.work-order.v1'") == 1
            }
            #expect(try await bench.count("moose.schedules WHERE next_run_at > now() AND last_order IS NOT NULL") == 1)
            running.cancel()
            await running.value
        }
    }
}
