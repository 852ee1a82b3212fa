import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Testing

@testable import Moose

/// `moose lanes show` and `moose lanes rename`, as an operator uses them.
struct LaneRenameTests {
    private static func addOrders(_ desk: BudgetDesk, lane: String = "llm") async throws {
        _ = try await desk.database.run(
            """
            INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
            SELECT gen_random_uuid(), s.state, 'work', \(lane), 't', now() - interval '1 hour', '{}', ''
            FROM unnest(ARRAY['pending', 'pending', 'blocked']) AS s (state)
            """)
    }

    private static func rename(_ arguments: String...) throws -> LaneRename {
        let command = try #require(try LanesRename.parseAsRoot(arguments) as? LanesRename)
        return try command.wanted()
    }

    @Test func `show tells what was set, what waits, since when, and that nobody works it`() async throws {
        try await BudgetDesk.open { desk in
            try await Self.addOrders(desk)
            try await desk.run(LanesPause.self, "llm", "--reason", "the provider is down")
            try await desk.run(LanesSet.self, "llm", "--concurrency", "20", "--rate", "100/minute")
            let shown = try await desk.run(LanesShow.self, "llm")
            for words in [
                "of moose.yaml", "at most 20", "at most 100/minute", "the provider is down", "2 pending, 1 blocked",
                "1h ago", "none serves it", "3 stored",
            ] {
                #expect(shown.text.contains(words), "\(words) in \(shown.text)")
            }
            guard case .object(let lane) = shown.json, case .string? = lane["oldest_due"] else {
                Issue.record("no lane in \(shown.json)")
                return
            }
            #expect(lane["waiting"] == .object(["pending": .integer(2), "blocked": .integer(1)]))
            #expect(lane["running"] == .integer(0) && lane["workers"] == .integer(0))

            try await desk.database.runSimple(
                """
                INSERT INTO moose.workers (id, host, pid, version, lanes, kinds, slots)
                VALUES (gen_random_uuid(), 'carrot', 7, '1', ARRAY['llm'], ARRAY['work'], 4)
                """)
            let served = try await desk.run(LanesShow.self, "llm").text
            #expect(served.contains("carrot, process 7: working, 0 of 4 slots busy") && !served.contains("untended"))
        }
    }

    @Test func `a lane that there isn't is refused, with the name that was meant`() async throws {
        try await BudgetDesk.open { desk in
            try await Self.addOrders(desk, lane: "models")
            let failure = await desk.failure(LanesShow.self, "modles")
            #expect(failure?.status == .refused && failure?.what == "there is no lane “modles”")
            #expect(failure?.next?.contains("Did you mean `models`?") == true)
            #expect(await desk.failure(LanesShow.self, "unlike")?.next == "`moose lanes list` shows them")
        }
    }

    @Test func `what waits and what was set go to the new name, and a second time there is nothing to do`()
        async throws
    {
        try await BudgetDesk.open { desk in
            try await Self.addOrders(desk)
            try await desk.run(LanesSet.self, "llm", "--weight", "3")
            _ = try await desk.database.run(
                """
                INSERT INTO moose.schedules (name, cron, time_zone, template, next_run_at)
                VALUES ('nightly', '@daily', 'UTC', '{"lane": "llm"}', now() + interval '1 day')
                """)
            let rename = try Self.rename("llm", "models", "--reason", "it is called so now")
            let first = try await rename.run(queueIsEmpty: true, in: desk.database)
            #expect(
                first
                    == LaneRename.Outcome(
                        moved: 3, left: 0, running: 0, keepsSettings: false, schedules: ["nightly"]))
            let shown = try await desk.run(LanesShow.self, "models")
            #expect(shown.text.contains("2 pending, 1 blocked"))
            guard case .object(let lane) = shown.json else { return }
            #expect(lane["weight"] == .integer(3))
            #expect(try await rename.run(queueIsEmpty: true, in: desk.database).moved == 0)
            #expect(try await desk.count("moose.audit_log WHERE action = 'lane rename'") == 1)
        }
    }

    @Test func `two lanes with different settings are refused, with what to do`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.run(LanesSet.self, "llm", "--weight", "3")
            try await desk.run(LanesSet.self, "models", "--weight", "4")
            let rename = try Self.rename("llm", "models", "--reason", "x")
            let error = await #expect(throws: PostgresError.self) {
                _ = try await rename.run(queueIsEmpty: true, in: desk.database)
            }
            let failure = CommandFailure(reporting: try #require(error))
            #expect(failure.status == .refused && failure.what.contains("different settings"))
            #expect(failure.next?.contains("moose lanes set models --weight none") == true)
        }
    }

    @Test func `the answer says what is left, and what to do about it`() throws {
        let rename = try Self.rename("llm", "models", "--reason", "x")
        let done = LaneRename.Outcome(
            moved: 1200, left: 1, running: 2, keepsSettings: true, schedules: ["nightly", "weekly"])
        let answer = LanesRename.answer(rename, done, queued: 3)
        for words in [
            "1,200 orders of the lane llm moved to models.", "1 order still waits in llm", "2 still run under",
            "3 messages in the queue moose.work.llm",
            "`moose dead-letters move moose.work.llm --to moose.work.models`", "don't delete the queue",
            "llm keeps its settings", "nightly, weekly",
        ] {
            #expect(answer.text.contains(words), "\(words) in \(answer.text)")
        }
        #expect(answer.status == .failed, "something is left")
        guard case .object(let fields) = answer.json else { return }
        #expect(fields["moved"] == .integer(1200) && fields["queued"] == .integer(3))

        let nothing = LaneRename.Outcome(moved: 0, left: 0, running: 0, keepsSettings: false, schedules: [])
        let none = LanesRename.answer(rename, nothing, queued: nil)
        #expect(none.text == "No order of the lane llm was moved to models: none waits that could be.\n")
        #expect(none.status == .ok)
    }

    @Test(arguments: [["llm", "llm"], ["llm", "No Lane"], ["No Lane", "llm"], ["llm", ""]])
    func `a name no lane can have, or the one it has, is wrong use`(names: [String]) {
        let error = #expect(throws: OperationError.self) {
            _ = try LaneRename(old: names[0], new: names[1], who: "ann", reason: "x")
        }
        #expect(error.map { CommandFailure(reporting: $0).status } == .usage)
    }

    @Test(arguments: [["llm"], ["llm", "models"], ["--reason", "x"]])
    func `both names and a reason are needed`(arguments: [String]) {
        #expect(throws: (any Error).self) { _ = try LanesRename.parseAsRoot(arguments) }
    }
}
