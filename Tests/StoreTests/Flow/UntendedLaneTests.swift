import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Lanes that have work and no worker, as after one was renamed.
struct UntendedLaneTests {
    private static func announce(_ ledger: Ledger, lanes: [String], draining: Bool = false) async throws {
        try await ledger.store.announce(
            WorkerRegistration(
                id: ledger.worker, host: "h", pid: 1, version: "1", lanes: lanes, kinds: ["work"], slots: 1,
                isDraining: draining), running: 0)
    }

    private static func note(
        _ ledger: Ledger, _ lanes: [(name: String, queued: Int?)], configured: [String] = ["default"],
        patience: Duration = .zero
    ) async throws -> Int {
        try await ledger.store.noteUntended(lanes, configured: configured, patience: patience)
    }

    /// An order of the lane that waits for its next attempt.
    private static func store(_ lane: String, _ ledger: Ledger) async throws -> UUID {
        let item = try Ledger.order([:], lane: lane)
        let failure = AttemptFailure(.testFail, "no", retry: .never)
        try await ledger.end(item.id, try await ledger.start(item), .retry(failure, after: .seconds(9)))
        return item.id
    }

    @Test func `a lane with stored and queued work and no worker is listed and told of once`() async throws {
        try await Ledger.open { ledger in
            try await Self.announce(ledger, lanes: ["default"])
            _ = try await Self.store("llm", ledger)
            #expect(try await ledger.store.lanesToLookAt(configured: ["default"]) == ["llm"])
            for lane in ["zebra", "ant"] {
                let other = try await Self.store(lane, ledger)
                #expect(try await Set(ledger.store.lanesToLookAt(configured: ["default"])) == ["llm", lane])
                try await ledger.run("DELETE FROM moose.work_orders WHERE id = '\(other)'")
            }
            #expect(
                try await ledger.text("SELECT stored FROM moose.lane_states() WHERE name = 'llm'") == "1", "at once")
            #expect(try await Self.note(ledger, [("llm", 3)], patience: .seconds(60)) == 0, "a restart is no news")
            #expect(try await Self.note(ledger, [("llm", 3)]) == 1)
            #expect(try await Self.note(ledger, [("llm", 4)]) == 0, "once")
            #expect(try await ledger.events(reason: "no_worker") == 1)
            #expect(
                try await ledger.text(
                    "SELECT convert_from(body, 'UTF8')::json ->> 'message' FROM moose.outbox WHERE type LIKE '%error%'")
                    == "no worker takes work of the lane llm, which moose.yaml does not have: 1 stored, 3 in its queue")
            #expect(
                try await ledger.text("SELECT stored || ' ' || queued FROM moose.lane_states() WHERE name = 'llm'")
                    == "1 4")
        }
    }

    @Test func `a worker that takes it ends it, and the next time is news again`() async throws {
        try await Ledger.open { ledger in
            _ = try await Self.store("llm", ledger)
            #expect(try await Self.note(ledger, [("llm", nil)]) == 1)
            try await Self.announce(ledger, lanes: ["llm"])
            #expect(try await ledger.store.lanesToLookAt(configured: ["default"]).contains("llm") == false)
            #expect(try await Self.note(ledger, [("default", 0)]) == 0)
            #expect(try await ledger.count("moose.untended_lanes") == 0)
            try await Self.announce(ledger, lanes: ["llm"], draining: true)
            #expect(try await ledger.store.lanesToLookAt(configured: []).contains("llm"), "it takes nothing more")
            #expect(try await Self.note(ledger, [("llm", nil)]) == 1)
            #expect(try await ledger.events(reason: "no_worker") == 2)
        }
    }

    @Test func `a lane without work is nobody's trouble, a configured one that has only messages is`() async throws {
        try await Ledger.open { ledger in
            let looked = try await ledger.store.lanesToLookAt(configured: ["default", "llm"])
            #expect(looked.sorted() == ["default", "llm"])
            let lanes: [(name: String, queued: Int?)] = [("default", 0), ("llm", 7)]
            #expect(try await Self.note(ledger, lanes, configured: ["default", "llm"]) == 1)
            #expect(try await ledger.text("SELECT string_agg(name, ',') FROM moose.untended()") == "llm")
            // Renamed since: it is known still, because its queue holds work.
            #expect(try await ledger.store.lanesToLookAt(configured: ["default"]).contains("llm"))
            #expect(try await Self.note(ledger, [("default", 0), ("llm", 0)]) == 0)
            #expect(try await ledger.count("moose.untended_lanes") == 0)
        }
    }

    @Test func `orders that are given another lane are rung there`() async throws {
        try await Ledger.open { ledger in
            let order = try await Self.store("llm", ledger)
            try await ledger.run("UPDATE moose.work_orders SET lane = 'models', run_at = now() WHERE lane = 'llm'")
            #expect(
                try await ledger.text("SELECT routing_key FROM moose.outbox WHERE doorbell_for = '\(order)'")
                    == "models")
            #expect(try await ledger.count("moose.untended() WHERE name = 'llm'") == 0)
        }
    }
}
