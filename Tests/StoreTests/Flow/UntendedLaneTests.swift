import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Lanes that have work and no worker, as after one was renamed.
struct UntendedLaneTests {
    private static func announce(_ desk: StoreDesk, lanes: [String], draining: Bool = false) async throws {
        try await desk.store.announce(
            WorkerRegistration(
                id: desk.worker, host: "h", pid: 1, version: "1", lanes: lanes, kinds: ["work"], slots: 1,
                isDraining: draining), running: 0)
    }

    private static func note(
        _ desk: StoreDesk, _ lanes: [(name: String, queued: Int?)], configured: [String] = ["default"],
        patience: Duration = .zero
    ) async throws -> Int {
        try await desk.store.noteUntended(lanes, configured: configured, patience: patience)
    }

    /// An order of the lane that waits for its next attempt.
    private static func store(_ lane: String, _ desk: StoreDesk) async throws -> UUID {
        let item = try StoreDesk.order([:], lane: lane)
        let failure = AttemptFailure(.testFail, "no", retry: .never)
        try await desk.end(item.id, try await desk.start(item), .retry(failure, after: .seconds(9)))
        return item.id
    }

    @Test func `a lane with stored and queued work and no worker is listed and told of once`() async throws {
        try await StoreDesk.open { desk in
            try await Self.announce(desk, lanes: ["default"])
            _ = try await Self.store("llm", desk)
            #expect(try await desk.store.lanesToLookAt(configured: ["default"]) == ["llm"])
            for lane in ["zebra", "ant"] {
                let other = try await Self.store(lane, desk)
                #expect(try await Set(desk.store.lanesToLookAt(configured: ["default"])) == ["llm", lane])
                try await desk.run("DELETE FROM moose.work_orders WHERE id = '\(other)'")
            }
            #expect(
                try await desk.text("SELECT stored FROM moose.lane_states() WHERE name = 'llm'") == "1", "at once")
            #expect(try await Self.note(desk, [("llm", 3)], patience: .seconds(60)) == 0, "a restart is no news")
            #expect(try await Self.note(desk, [("llm", 3)]) == 1)
            #expect(try await Self.note(desk, [("llm", 4)]) == 0, "once")
            #expect(try await desk.events(reason: "no_worker") == 1)
            #expect(
                try await desk.text(
                    "SELECT convert_from(body, 'UTF8')::json ->> 'message' FROM moose.outbox WHERE type LIKE '%error%'")
                    == "no worker takes work of the lane llm, which moose.yaml does not have: 1 stored, 3 in its queue")
            #expect(
                try await desk.text("SELECT stored || ' ' || queued FROM moose.lane_states() WHERE name = 'llm'")
                    == "1 4")
        }
    }

    @Test func `a worker that takes it ends it, and the next time is news again`() async throws {
        try await StoreDesk.open { desk in
            _ = try await Self.store("llm", desk)
            #expect(try await Self.note(desk, [("llm", nil)]) == 1)
            try await Self.announce(desk, lanes: ["llm"])
            #expect(try await desk.store.lanesToLookAt(configured: ["default"]).contains("llm") == false)
            #expect(try await Self.note(desk, [("default", 0)]) == 0)
            #expect(try await desk.count("moose.untended_lanes") == 0)
            try await Self.announce(desk, lanes: ["llm"], draining: true)
            #expect(try await desk.store.lanesToLookAt(configured: []).contains("llm"), "it takes nothing more")
            #expect(try await Self.note(desk, [("llm", nil)]) == 1)
            #expect(try await desk.events(reason: "no_worker") == 2)
        }
    }

    @Test func `a lane without work is nobody's trouble, a configured one that has only messages is`() async throws {
        try await StoreDesk.open { desk in
            let looked = try await desk.store.lanesToLookAt(configured: ["default", "llm"])
            #expect(looked.sorted() == ["default", "llm"])
            let lanes: [(name: String, queued: Int?)] = [("default", 0), ("llm", 7)]
            #expect(try await Self.note(desk, lanes, configured: ["default", "llm"]) == 1)
            #expect(try await desk.text("SELECT string_agg(name, ',') FROM moose.untended()") == "llm")
            // Renamed since: it is known still, because its queue holds work.
            #expect(try await desk.store.lanesToLookAt(configured: ["default"]).contains("llm"))
            #expect(try await Self.note(desk, [("default", 0), ("llm", 0)]) == 0)
            #expect(try await desk.count("moose.untended_lanes") == 0)
        }
    }

    @Test func `orders that are given another lane are rung there`() async throws {
        try await StoreDesk.open { desk in
            let order = try await Self.store("llm", desk)
            try await desk.run("UPDATE moose.work_orders SET lane = 'models', run_at = now() WHERE lane = 'llm'")
            #expect(
                try await desk.text("SELECT lane FROM moose.waiting WHERE due IS NOT NULL AND id = '\(order)'")
                    == "models")
            #expect(try await desk.count("moose.untended() WHERE name = 'llm'") == 0)
        }
    }
}
