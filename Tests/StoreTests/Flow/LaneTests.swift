import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What an operator does to lanes.
struct LaneTests {
    @Test func `a paused lane starts nothing, keeps every order, and rings them in the order of their age`()
        async throws
    {
        try await StoreDesk.open { desk in
            let running = try StoreDesk.order()
            let token = try await desk.start(running)
            try await desk.pause()
            var held: [ClaimItem] = []
            for _ in 1...5 {
                held.append(try StoreDesk.order())
                #expect(try await desk.claim([held.last!]) == [.later])
            }
            let other = try StoreDesk.order([:], lane: "other")
            #expect(try await desk.claim([other])[0].token == 1, "another lane goes on")
            #expect(try await desk.end(running.id, token), "what runs goes on")
            #expect(
                try await desk.claim(held.map { StoreDesk.registered($0.id) }) == Array(repeating: .later, count: 5))
            #expect(try await desk.these(held, in: "pending") == [0, 1, 2, 3, 4])
            #expect(try await desk.count("moose.work_orders WHERE attempt > 0") == 2)

            // None of it is taken while it lasts, whatever the nets do.
            try await desk.run("UPDATE moose.work_orders SET run_at = now() - interval '1 hour'")
            _ = try await desk.store.tidy()
            #expect(try await desk.store.wakeGates() == 0)
            try await desk.run("SELECT moose.set_lane_limits('default', 2, 100, NULL, NULL, 'ann', NULL)")
            #expect(try await desk.takeLine().isEmpty)

            try await desk.resume()
            let answers = try await desk.takeLine()
            #expect(answers.map(\.id) == held.map(\.id))
            #expect(answers.allSatisfy { $0.verdict.token == 1 })
            #expect(try await desk.count("moose.gate_waits") == 0)
        }
    }

    @Test func `nothing of a paused lane is taken, also none that no claim has seen since`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(["run_at": "\"2999-01-01T00:00:00Z\""])
            #expect(try await desk.claim([item]) == [.later])
            try await desk.pause()
            try await desk.run("UPDATE moose.work_orders SET run_at = now() - interval '1 hour'")
            #expect(try await desk.store.lookAtLine(lanes: ["default"], kinds: ["work"]).lanes.isEmpty)
            #expect(try await desk.takeLine().isEmpty)
            try await desk.resume()
            #expect(try await desk.store.lookAtLine(lanes: ["default"], kinds: ["work"]).lanes == ["default"])
            #expect(try await desk.takeLine().map(\.id) == [item.id])
        }
    }

    @Test func `a pause says who, why and since when, and a second one changes nothing`() async throws {
        try await StoreDesk.open { desk in
            try await desk.pause()
            #expect(try await !desk.value("SELECT moose.pause_lane('default', 'eve', 'me too')", as: Bool.self))
            let shown = "SELECT paused_by || ': ' || paused_why FROM moose.lane_states() WHERE name = 'default'"
            #expect(try await desk.text(shown) == "ann: they burn")
            try await desk.resume()
            #expect(try await !desk.value("SELECT moose.resume_lane('default', 'bob', '')", as: Bool.self))
            _ = try await desk.store.postgres.run(
                "SELECT moose.set_lane_limits('default', 3, 5, 100, 60, 'ann', 'quota'), moose.set_lane_limits('default', NULL, 0, NULL, NULL, 'ann', NULL)"
            )
            let log = "SELECT string_agg(who || ' ' || action || ' ' || subject, ', ' ORDER BY id) FROM moose.audit_log"
            #expect(
                try await desk.text(log)
                    == "ann lane pause lane default, bob lane resume lane default, ann lane set lane default, "
                    + "ann lane set lane default")
            let set = "SELECT concat_ws(' ', weight, concurrency, rate, rate_seconds) FROM moose.lanes"
            #expect(try await desk.text(set) == "3 100 60", "what isn't given stays, and 0 takes away")
            #expect(
                try await desk.store.lanes().map { "\($0.name) \($0.weight ?? 0) \($0.isPaused)" } == [
                    "default 3 false"
                ])
        }
    }

    @Test func `the resume of a great many calls five thousand, then as many as were claimed`() async throws {
        try await StoreDesk.open { desk in
            try await desk.pause()
            #expect(try await desk.claim([StoreDesk.order()]) == [.later], "makes the gate")
            // In pieces: on a busy machine all of them take longer than a statement may.
            for piece in 0..<Int64(6) {
                _ = try await desk.store.postgres.run(
                    """
                    WITH made AS (
                        INSERT INTO moose.work_orders (
                            id, state, kind, lane, title, run_at, body, digest, estimate_u, created_at)
                        SELECT gen_random_uuid(), 'pending', 'work', 'default', 't', now(), '', 'x', 0,
                               now() - n * interval '1 second'
                        FROM generate_series(\(piece) * 2000 + 1, \(piece) * 2000 + 2000) AS n
                        RETURNING id, created_at)
                    INSERT INTO moose.gate_waits (work_order_id, gate, reason, since)
                    SELECT id, 'lane default', 'paused', created_at FROM made;
                    """)
                _ = try await desk.store.postgres.run("UPDATE moose.waiting SET due = NULL WHERE due IS NOT NULL")
            }
            try await desk.resume()
            #expect(try await desk.count("moose.gate_waits WHERE rung_at IS NOT NULL") == 5000)
            #expect(
                try await desk.count(
                    """
                    moose.gate_waits WHERE rung_at IS NULL
                    AND since < (SELECT max(since) FROM moose.gate_waits WHERE rung_at IS NOT NULL)
                    """) == 0, "the oldest first")
            #expect(try await desk.store.wakeGates() == 0, "so many are on the way")
            #expect(try await desk.takeLine().allSatisfy { $0.verdict.token == 1 })
            #expect(try await desk.store.wakeGates() == 500)
            // Nobody took them for a minute: others are called.
            try await desk.run(
                "UPDATE moose.gate_waits SET rung_at = now() - interval '61 seconds' WHERE rung_at IS NOT NULL")
            #expect(try await desk.store.wakeGates() == 5000)
        }
    }

    @Test func `a limit of a lane holds for all who claim, and lifting it wakes everyone`() async throws {
        try await StoreDesk.open { desk in
            _ = try await desk.store.postgres.run(
                "SELECT moose.set_lane_limits('default', NULL, 2, NULL, NULL, 'ann', 'few')")
            let items = try StoreDesk.orders(6)
            #expect(try await desk.claim(items).map(\.label) == ["run", "run", "later", "later", "later", "later"])
            try await desk.end(items[0].id, 1)
            #expect(try await desk.takeLine().map(\.id) == [items[2].id])
            _ = try await desk.store.postgres.run(
                "SELECT moose.set_lane_limits('default', NULL, 0, NULL, NULL, 'ann', 'enough')")
            #expect(try await desk.takeLine().map(\.id) == items[3...].map(\.id))
            #expect(try await desk.count("moose.work_orders WHERE state = 'in_progress'") == 5)
        }
    }
}
