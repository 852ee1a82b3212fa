import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// A lane gets another name: what waits goes along, what runs stays.
struct LaneRenameTests {
    private struct Left: Equatable {
        var waiting: Int64
        var running: Int64
        var hasSettings: Bool
    }

    private static func begin(_ desk: StoreDesk) async throws {
        _ = try await desk.store.postgres.run(
            "SELECT moose.begin_lane_rename('default', 'models', 'ann', 'it is called so now')")
    }

    /// One round, as `moose lanes rename` makes it.
    private static func round(_ desk: StoreDesk, piece: Int = 500) async throws -> (seen: Int, moved: Int, pieces: Int)
    {
        var total = (seen: 0, moved: 0, pieces: 0)
        var place: UUID? = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        while let after = place {
            let row = try #require(
                try await desk.store.postgres.run(
                    """
                    SELECT seen, moved, next_id
                    FROM moose.move_waiting('default', 'models', \(after), \(Int32(piece)))
                    """
                ).first)
            total.seen += Int(try row.decode(0, as: Int32.self))
            total.moved += Int(try row.decode(1, as: Int32.self))
            total.pieces += 1
            place = try row.decode(2, as: UUID?.self)
        }
        return total
    }

    private static func end(_ desk: StoreDesk, queueIsEmpty: Bool = true) async throws -> Left {
        let row = try #require(
            try await desk.store.postgres.run(
                """
                SELECT waiting, running, has_settings
                FROM moose.end_lane_rename('default', 'models', \(queueIsEmpty))
                """
            ).first)
        return Left(waiting: try row.decode(0), running: try row.decode(1), hasSettings: try row.decode(2))
    }

    /// The lane in whose line the order stands; nil: it may not be taken.
    private static func place(_ id: UUID, _ desk: StoreDesk) async throws -> String? {
        try await desk.store.postgres.run("SELECT lane FROM moose.waiting WHERE id = \(id) AND due IS NOT NULL")
            .first?.decode(0, as: String.self)
    }

    @Test func `what waits in any state is moved and rings in the new lane, what runs stays`() async throws {
        try await StoreDesk.open { desk in
            let running = try StoreDesk.order()
            let token = try await desk.start(running)
            let scheduled = try StoreDesk.order(["run_at": "\"2999-01-01T00:00:00Z\""])
            let pending = try StoreDesk.order()
            let dear = try StoreDesk.order()
            let retrying = try StoreDesk.order()
            let blocked = try StoreDesk.order(dependsOn: [running.id])
            let other = try StoreDesk.order([:], lane: "other")
            _ = try await desk.claim([scheduled, blocked])
            _ = try await desk.claim([pending, dear, other], park: true)
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await desk.end(retrying.id, try await desk.start(retrying), .retry(failure, after: .seconds(9)))
            try await desk.run("UPDATE moose.work_orders SET state = 'awaiting_budget' WHERE id = '\(dear.id)'")

            try await Self.begin(desk)
            let round = try await Self.round(desk)
            #expect(round.seen == 5 && round.moved == 5)
            #expect(try await Self.end(desk) == Left(waiting: 0, running: 1, hasSettings: false))
            #expect(try await desk.count("moose.waiting WHERE lane = 'models'") == 5)
            #expect(try await desk.count("moose.waiting WHERE lane = 'other'") == 1)
            let lane = "SELECT lane FROM moose.work_orders WHERE id = '\(running.id)'"
            #expect(try await desk.text(lane) == "default")
            for item in [scheduled, pending, retrying] { #expect(try await Self.place(item.id, desk) == "models") }
            for item in [dear, blocked] { #expect(try await Self.place(item.id, desk) == nil) }
            #expect(try await Self.place(other.id, desk) == "other")

            try await desk.end(running.id, token)
            #expect(try await desk.state(blocked.id) == "pending")
            #expect(try await Self.place(blocked.id, desk) == "models", "it went along silently")
        }
    }

    @Test func `a message that comes by the old lane yet runs the order once, under its new lane`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            _ = try await desk.claim([item], park: true)
            try await Self.begin(desk)
            #expect(try await Self.round(desk).moved == 1)
            let verdict = try await desk.claim([StoreDesk.registered(item.id)])[0]
            guard case .run(let grant) = verdict else {
                Issue.record("it was to run, but the verdict is \(verdict)")
                return
            }
            #expect(grant.lane == "models")
            #expect(try await desk.claim([StoreDesk.registered(item.id)]) == [.duplicate])
        }
    }

    @Test func `a pause holds all the time, and goes along once nothing is left in the old lane`() async throws {
        try await StoreDesk.open { desk in
            try await desk.pause()
            let held = try StoreDesk.order()
            #expect(try await desk.claim([held]) == [.later])
            try await Self.begin(desk)
            #expect(try await Self.round(desk).moved == 1)
            #expect(try await desk.takeLine().isEmpty, "it stands in the line of a lane that is paused, too")
            #expect(try await Self.place(held.id, desk) == "models")

            #expect(
                try await Self.end(desk, queueIsEmpty: false)
                    == Left(waiting: 0, running: 0, hasSettings: true), "for what comes out of its queue")
            #expect(try await desk.claim([StoreDesk.order()]) == [.later])
            try await Self.begin(desk)
            #expect(try await Self.round(desk).moved == 1, "run again")
            #expect(try await Self.end(desk) == Left(waiting: 0, running: 0, hasSettings: false))
            let lanes = "SELECT string_agg(name || ' ' || paused_by || ': ' || paused_why, ', ') FROM moose.lanes"
            #expect(try await desk.text(lanes) == "models ann: they burn")
            _ = try await desk.takeLine()
            try await desk.resume("models")
            let answers = try await desk.takeLine()
            #expect(answers.count == 2 && answers.allSatisfy { $0.verdict.token == 1 })
        }
    }

    @Test func `other settings of the new lane are never overwritten, and nothing is moved to them`() async throws {
        try await StoreDesk.open { desk in
            try await desk.pause("models")
            try await desk.resume("models")
            try await desk.pause()
            #expect(try await desk.claim([StoreDesk.order()]) == [.later])
            try await desk.run("SELECT moose.set_lane_limits('models', 3, NULL, NULL, NULL, 'bob', 'more')")
            await #expect {
                try await Self.begin(desk)
            } throws: { error in
                (error as? PostgresError)?.sqlState == "MS008" && "\(error)".contains("models")
            }
            #expect(try await desk.count("moose.waiting WHERE lane = 'default'") == 1)
            #expect(try await desk.count("moose.audit_log WHERE action = 'lane rename'") == 0)

            // What the refusal says to do; a lane that has no settings any more is in nobody's way.
            try await desk.run("SELECT moose.set_lane_limits('models', 0, 0, 0, NULL, 'bob', NULL)")
            try await Self.begin(desk)
            #expect(try await desk.count("moose.lanes WHERE name = 'models' AND paused_by = 'ann'") == 1)
        }
    }

    @Test func `pieces pass by what somebody holds, and the next round takes it`() async throws {
        try await StoreDesk.open { desk in
            let items = try StoreDesk.orders(5)
            _ = try await desk.claim(items, park: true)
            try await Self.begin(desk)
            try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run(
                    "SELECT 1 FROM moose.work_orders WHERE id = \(items[1].id) FOR NO KEY UPDATE")
                let round = try await Self.round(desk, piece: 2)
                #expect(round.seen == 5 && round.moved == 4 && round.pieces == 3)
            }
            #expect(try await Self.end(desk).waiting == 1)
            let second = try await Self.round(desk, piece: 2)
            #expect(second.seen == 1 && second.moved == 1)
            #expect(try await desk.count("moose.waiting WHERE lane = 'models'") == 5)
        }
    }

    @Test func `it is audited once, with what waited, and one that finds nothing is no event`() async throws {
        try await StoreDesk.open { desk in
            _ = try await desk.claim(StoreDesk.orders(3), park: true)
            for _ in 1...2 {
                try await Self.begin(desk)
                _ = try await Self.round(desk)
                _ = try await Self.end(desk)
            }
            let log = """
                SELECT string_agg(concat_ws(', ', who, subject, reason, before ->> 'name', after ->> 'name',
                                            after ->> 'waiting'), '; ')
                FROM moose.audit_log WHERE action = 'lane rename'
                """
            #expect(
                try await desk.text(log)
                    == "ann, lane default, it is called so now, default, models, {\"pending\": 3}")
        }
    }
}
