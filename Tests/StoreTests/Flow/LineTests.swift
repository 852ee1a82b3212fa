import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// The line: who is taken next, by whom, and what people may do with those that wait.
struct LineTests {
    private static func waiting(
        _ count: Int, priority: Int? = nil, project: String? = nil, lane: String = "default", _ desk: StoreDesk
    ) async throws -> [UUID] {
        let items = try (0..<count).map { _ in
            try StoreDesk.order(
                ["priority": priority.map(String.init) ?? "null", "project": project.map { "\"\($0)\"" } ?? "null"],
                lane: lane)
        }
        #expect(try await desk.claim(items, park: true).allSatisfy { $0 == .later })
        // In the order of the line: those of one instant stand in that of their ids.
        return items.map(\.id).sorted { $0.uuidString < $1.uuidString }
    }

    private static func place(
        _ ids: [UUID], lane: String? = nil, priority: Int32? = nil, runAt: Date? = nil, _ desk: StoreDesk
    ) async throws -> [String] {
        try await desk.store.postgres.run(
            """
            SELECT before || ' ' || after || ' ' || changed
            FROM moose.place_work_orders(\(ids), \(lane), \(priority), \(runAt)::timestamptz, 'ann', 'because')
            """
        ).rows.decode(String.self)
    }

    @Test func `registered once, an order waits with its priority, project and time, and no attempt is burned`()
        async throws
    {
        try await StoreDesk.open { desk in
            let ids = try await Self.waiting(1, priority: 7, project: "textkit", desk)
            #expect(
                try await desk.count(
                    """
                    moose.waiting x JOIN moose.work_orders w USING (id, state, lane, run_at)
                    WHERE id = '\(ids[0])' AND state = 'pending' AND rank = 2 AND x.project = 'textkit'
                      AND due = run_at AND priority = 7 AND attempt = 0 AND unknown_since IS NULL
                    """) == 1)
            #expect(try await desk.takeLine().map(\.id) == ids)
            #expect(try await desk.count("moose.waiting") == 0)
        }
    }

    @Test func `the highest priority goes first, then what waits longest`() async throws {
        try await StoreDesk.open { desk in
            let low = try await Self.waiting(3, desk)
            let high = try await Self.waiting(2, priority: 9, desk)
            let middle = try await Self.waiting(2, priority: 4, desk)
            var taken: [UUID] = []
            for _ in 1...4 { taken += try await desk.takeLine(upTo: 2).map(\.id) }
            #expect(taken == high + middle + low)
        }
    }

    @Test func `projects share the slots, whatever waits of each, and what one leaves is the others'`() async throws {
        try await StoreDesk.open { desk in
            for (project, count) in [("a", 50), ("b", 10), ("c", 1)] {
                _ = try await Self.waiting(count, project: project, desk)
            }
            let first = try await desk.takeLine(upTo: 15).map(\.id)
            func shares(_ ids: [UUID]) async throws -> String? {
                let rows = try await desk.store.postgres.run(
                    """
                    SELECT string_agg(project || n, ' ' ORDER BY project) FROM (
                        SELECT project, count(*) AS n FROM moose.work_orders WHERE id = ANY (\(ids)) GROUP BY 1) s
                    """
                ).rows
                return try rows.decode(String?.self)[0]
            }
            #expect(first.count == 15)
            #expect(["a7 b7 c1"].contains(try await shares(first)))
            let rest = try await desk.takeLine(upTo: 100).map(\.id)
            #expect(try await shares(rest) == "a43 b3")
        }
    }

    @Test func `a hundred projects of unequal backlog get equal shares within ten per cent`() async throws {
        try await StoreDesk.open(waitsForCommits: false) { desk in
            _ = try await desk.store.postgres.run(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, project, run_at, body, digest, estimate_u)
                SELECT gen_random_uuid(), 'pending', 'work', 'default', 't', 'p' || p, now() - interval '1 minute', '', 'x', 0
                FROM generate_series(1, 100) AS p, generate_series(1, 60 + 2 * p)
                """)
            // Fewer slots than projects: only where each take begins is left to be fair with.
            var taken: [UUID] = []
            for _ in 1...500 { taken += try await desk.takeLine(upTo: 8).map(\.id) }
            let spread = try await desk.store.postgres.row(
                """
                SELECT count(*), min(n), max(n), avg(n)::float8 FROM (
                    SELECT project, count(*) AS n FROM moose.work_orders WHERE id = ANY (\(taken)) GROUP BY 1) s
                """, as: (Int, Int, Int, Double).self)
            // 4,000 by chance over 100: three in four lie within 10 %; nobody is left out, and nobody has twice as much.
            #expect(spread.0 == 100 && spread.1 >= 20 && spread.2 <= 70 && spread.3 == 40, "\(spread)")
        }
    }

    @Test func `two never take the same, and neither waits for the other`() async throws {
        try await StoreDesk.open(connections: 6) { desk in
            let ids = try await Self.waiting(40, desk)
            let second = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT moose.next_in_line('default', 25)")
                return try await desk.takeLine(upTo: 25).map(\.id)
            }
            #expect(second == Array(ids[25...]))
            // The first has let go of its own.
            #expect(try await desk.takeLine(upTo: 100).map(\.id) == Array(ids[..<25]))
        }
    }

    @Test func `a take whose answer was lost gives the same again, and no more`() async throws {
        try await StoreDesk.open { desk in
            _ = try await Self.waiting(9, desk)
            let claim = UUID()
            let first = try await desk.takeLine(upTo: 4, claim: claim)
            let again = try await desk.takeLine(upTo: 4, claim: claim, isRepeated: true)
            #expect(Set(first.map(\.id)) == Set(again.map(\.id)))
            #expect(Set(first.compactMap(\.verdict.token)) == Set(again.compactMap(\.verdict.token)))
            #expect(try await desk.count("moose.leases") == 4)
        }
    }

    @Test func `a lane with a limit gives as many as may start, and the rest keeps its places`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run("SELECT moose.set_lane_limits('default', NULL, 3, NULL, NULL, 'ann', NULL)")
            let low = try await Self.waiting(5, desk)
            let high = try await Self.waiting(2, priority: 9, desk)
            #expect(try await desk.takeLine().map(\.id) == high + [low[0]])
            #expect(try await desk.takeLine().isEmpty)
            #expect(try await desk.count("moose.gate_waits") == 0, "nobody stands at a gate for it")
            try await desk.end(high[0], 1)
            #expect(try await desk.takeLine().map(\.id) == [low[1]])
        }
    }

    @Test func `what failed together is put off and claimed one by one`() async throws {
        try await StoreDesk.open { desk in
            let ids = try await Self.waiting(3, desk)
            #expect(try await desk.store.setApart(["default": 2]).map(\.id) == Array(ids[..<2]))
            #expect(try await desk.takeLine().map(\.id) == [ids[2]])
            #expect(try await desk.start(StoreDesk.registered(ids[0])) == 1)
            try await desk.run("UPDATE moose.waiting SET due = now()")
            #expect(try await desk.takeLine().map(\.id) == [ids[1]])
        }
    }

    @Test func `a look says which lanes have something, and when there is more`() async throws {
        try await StoreDesk.open { desk in
            _ = try await Self.waiting(1, lane: "llm", desk)
            let later = try StoreDesk.order(["run_at": "\"2999-01-01T00:00:00Z\""], lane: "bulk")
            _ = try await desk.claim([later])
            try await desk.run("UPDATE moose.work_orders SET run_at = now() + interval '9 seconds' WHERE lane = 'bulk'")
            let look = try await desk.store.lookAtLine(lanes: ["llm", "bulk", "none"], kinds: ["work"])
            #expect(look.lanes == ["llm"])
            #expect(try #require(look.wait) < .seconds(9.1) && #require(look.wait) > .seconds(5))
            try await desk.pause("llm")
            #expect(try await desk.store.lookAtLine(lanes: ["llm"], kinds: ["work"]).lanes.isEmpty)
        }
    }

    @Test func `what a limit of its kind holds back is not called again because others lacked the kind`() async throws {
        try await StoreDesk.open { desk in
            let items = try StoreDesk.orders(4)
            #expect(
                try await desk.claim(items, kinds: ["other": KindTerms(estimate: .zero)])
                    == Array(repeating: .unknownKind, count: 4))
            let one = StoreDesk.limited(KindLimits(concurrency: 1))
            #expect(try await desk.takeLine(kinds: one).compactMap(\.verdict.token) == [1])
            #expect(try await desk.takeLine(kinds: one).isEmpty, "three stand at the gate")
            #expect(try await desk.store.lookAtLine(lanes: ["default"], kinds: ["work"]).lanes.isEmpty)
        }
    }

    @Test func `one that is put off gives up its place at a gate, and the next is called`() async throws {
        try await StoreDesk.open { desk in
            let items = try (1...3).map { _ in try StoreDesk.keyed("k") }.sorted { $0.id.uuidString < $1.id.uuidString }
            let token = try await desk.start(items[0])
            #expect(try await desk.claim(Array(items[1...])) == [.later, .later])
            let tomorrow = Date(timeIntervalSinceNow: 86_400)
            #expect(try await Self.place([items[1].id], runAt: tomorrow, desk) == ["pending scheduled true"])
            try await desk.end(items[0].id, token)
            #expect(try await desk.takeLine().compactMap { $0.verdict.token == nil ? nil : $0.id } == [items[2].id])
        }
    }

    @Test func `one that was moved since it was seen in the line is not taken there`() async throws {
        try await StoreDesk.open { desk in
            let ids = try await Self.waiting(1, desk)
            #expect(try await Self.place(ids, lane: "bulk", desk) == ["pending pending true"])
            // As a statement sees it that began before the move: the line of then, and the order of now.
            try await desk.run("UPDATE moose.waiting SET lane = 'default'")
            #expect(try await desk.store.setApart(["default": 5]).isEmpty)
            try await desk.run("UPDATE moose.waiting SET lane = 'bulk'")
            #expect(try await desk.takeLine().map(\.id) == ids)
        }
    }

    @Test func `a slot locks one order of twenty projects, not one of each`() async throws {
        try await StoreDesk.open(connections: 6) { desk in
            for number in 1...20 { _ = try await Self.waiting(1, project: "p\(number)", desk) }
            let other = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT moose.next_in_line('default', 1)")
                return try await desk.takeLine(upTo: 19)
            }
            #expect(other.count == 19)
        }
    }

    @Test func `of thousands of projects none is left out for ever`() async throws {
        try await StoreDesk.open(waitsForCommits: false) { desk in
            try await desk.run(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, project, run_at, body, digest, estimate_u)
                SELECT gen_random_uuid(), 'scheduled', 'work', 'default', 't', 'customer-' || lpad(n::text, 5, '0'),
                       now() + interval '1 day', '', 'x', 0
                FROM generate_series(1, 2500) AS n
                """)
            let due = try await Self.waiting(1, project: "customer-99999", desk)
            #expect(try await desk.takeLine(upTo: 5).map(\.id) == due)
        }
    }

    @Test func `a time that never comes is refused, and one that stands there stops nobody's look`() async throws {
        try await StoreDesk.open { desk in
            let ids = try await Self.waiting(1, desk)
            await #expect(throws: PostgresError.self) {
                try await desk.run(
                    "SELECT moose.place_work_orders('{\(ids[0])}', NULL, NULL, 'infinity', 'ann', 'never')")
            }
            try await desk.run("UPDATE moose.work_orders SET run_at = 'infinity'")
            let look = try await desk.store.lookAtLine(lanes: ["default"], kinds: ["work"])
            #expect(look.lanes.isEmpty && look.wait == nil)
            try await desk.run("UPDATE moose.work_orders SET run_at = now()")
        }
    }

    // MARK: Another place

    @Test func `what waits is given another priority, lane and time, and each is audited`() async throws {
        try await StoreDesk.open { desk in
            let ids = try await Self.waiting(4, desk)
            #expect(try await Self.place([ids[3]], priority: 9, desk) == ["pending pending true"])
            #expect(try await Self.place([ids[1]], lane: "bulk", desk) == ["pending pending true"])
            #expect(
                try await Self.place([ids[0]], runAt: Date(timeIntervalSinceNow: 3600), desk)
                    == ["pending scheduled true"])
            #expect(try await desk.text("SELECT rank FROM moose.waiting WHERE id = '\(ids[3])'") == "0")
            #expect(try await desk.text("SELECT lane FROM moose.waiting WHERE id = '\(ids[1])'") == "bulk")
            #expect(try await Self.place([ids[0]], runAt: Date(), desk) == ["scheduled pending true"])
            #expect(
                try await desk.text("SELECT string_agg(action, ', ' ORDER BY id) FROM moose.audit_log")
                    == "work order reprioritise, work order move, work order reschedule, work order reschedule")
        }
    }

    @Test func `what does not wait stays as it is, and so does the time of what waits for money`() async throws {
        try await StoreDesk.open { desk in
            let running = try StoreDesk.order()
            _ = try await desk.start(running)
            let poor = try await Self.waiting(1, desk)[0]
            try await desk.run("UPDATE moose.work_orders SET state = 'awaiting_budget' WHERE id = '\(poor)'")
            #expect(try await Self.place([running.id], priority: 9, desk) == ["in_progress in_progress false"])
            #expect(try await Self.place([poor], runAt: Date(), desk) == ["awaiting_budget awaiting_budget false"])
            #expect(try await Self.place([poor], lane: "bulk", desk) == ["awaiting_budget awaiting_budget true"])
            #expect(try await Self.place([UUID()], priority: 9, desk) == ["unknown unknown false"])
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL") == 0)
        }
    }

    @Test func `one that is put off while it stands in the line waits for its time`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            _ = try await desk.claim([item], park: true)
            // Taken by somebody who had seen it before: the claim judges it by its row.
            _ = try await Self.place([item.id], runAt: Date(timeIntervalSinceNow: 3600), desk)
            try await desk.run("UPDATE moose.waiting SET due = now() - interval '1 second'")
            #expect(try await desk.takeLine().map(\.verdict) == [.later])
            #expect(try await desk.takeLine().isEmpty)
        }
    }
}
