import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Concurrency keys, and limits and rates of kinds.
struct GateTests {
    @Test func `of a key one runs at a time, and the oldest goes next`() async throws {
        try await StoreDesk.open { desk in
            let items = try (1...3).map { _ in try StoreDesk.keyed("repo") }
            #expect(try await desk.claim([items[0]])[0].token == 1)
            for item in items[1...] { #expect(try await desk.claim([item]) == [.later]) }
            #expect(try await desk.claim([StoreDesk.keyed("another")])[0].token == 1)
            #expect(try await desk.count("moose.outbox") == 0)
            for (done, next) in zip(items, items.dropFirst()) {
                try await desk.end(done.id, 1)
                let answers = try await desk.takeLine()
                #expect(answers.map(\.id) == [next.id] && answers[0].verdict.token == 1)
            }
            #expect(try await desk.count("moose.work_orders WHERE attempt > 1") == 0, "waiting burns no attempt")
        }
    }

    @Test(arguments: ["failed", "retry", "snoozed", "interrupted", "rescued", "cancelled", "deleted"])
    func `every way out frees the key`(way: String) async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.keyed("repo")
            let second = try StoreDesk.keyed("repo")
            let token = try await desk.start(first)
            #expect(try await desk.claim([second]) == [.later])
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            switch way {
            case "failed": try await desk.end(first.id, token, .failed(failure))
            case "retry": try await desk.end(first.id, token, .retry(failure, after: .seconds(9)))
            case "snoozed": try await desk.end(first.id, token, .snoozed(.seconds(9)))
            case "interrupted": try await desk.end(first.id, token, .interrupted)
            case "rescued":
                try await desk.expireLeases()
                #expect(try await desk.store.rescue([LeaseKey(id: first.id, token: token)], maxAttempts: 5) == 1)
            case "cancelled":
                try await desk.run(
                    "UPDATE moose.work_orders SET state = 'cancelled' WHERE id = '\(first.id)'")
                try await desk.end(first.id, token)
            default: try await desk.run("DELETE FROM moose.work_orders WHERE id = '\(first.id)'")
            }
            #expect(try await desk.callDue().contains(second.id))
            #expect(try await desk.start(StoreDesk.registered(second.id)) == 1)
        }
    }

    @Test func `a new order doesn't overtake those that wait, and a woken one keeps its place`() async throws {
        try await StoreDesk.open { desk in
            let items = try (1...3).map { _ in try StoreDesk.keyed("repo") }
            for item in items { _ = try await desk.claim([item]) }
            try await desk.end(items[0].id, 1)
            // The second is on its way: nobody takes its place meanwhile.
            let young = try StoreDesk.keyed("repo")
            #expect(try await desk.claim([young, StoreDesk.registered(items[2].id)]) == [.later, .later])
            #expect(try await desk.takeLine().map(\.id) == [items[1].id])
            try await desk.end(items[1].id, 1)
            #expect(try await desk.takeLine().map(\.id) == [items[2].id])
            // It never answers: after a minute the next one goes.
            try await desk.end(items[2].id, 1)
            #expect(try await desk.callDue() == [young.id])
            try await desk.run("UPDATE moose.gate_waits SET rung_at = now() - interval '2 minutes'")
            #expect(try await desk.store.wakeGates() == 1)
        }
    }

    @Test func `a kind has its own limits at once and for each key`() async throws {
        try await StoreDesk.open { desk in
            let kinds = StoreDesk.limited(KindLimits(concurrency: 3, keyConcurrency: 2))
            let items = try ["a", "a", "a", "b", "c"].map(StoreDesk.keyed)
            #expect(
                try await desk.claim(items, kinds: kinds).map(\.label) == ["run", "run", "later", "run", "later"])
            try await desk.end(items[0].id, 1)
            // The place of the kind goes to who waits for it; the key's to who waits for that, who then waits for a place.
            var answered: [UUID] = []
            for _ in 1...3 {
                answered += try await desk.takeLine(kinds: kinds).filter { $0.verdict.token != nil }.map(\.id)
                _ = try await desk.store.wakeGates()
            }
            #expect(answered.count == 1)
            #expect(try await desk.count("moose.work_orders WHERE state = 'in_progress'") == 3)
            for item in items {
                if try await desk.state(item.id) == "in_progress" { try await desk.end(item.id, 1) }
            }
            _ = try await desk.store.wakeGates()
            _ = try await desk.takeLine(kinds: kinds)
            #expect(try await desk.count("moose.work_orders WHERE state IN ('in_progress', 'completed')") == 5)
        }
    }

    @Test func `an order the budget refuses takes no place`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            let poor = try StoreDesk.order(["concurrency_key": "\"repo\"", "estimated_cost_usd": "\"1\""])
            #expect(try await desk.claim([poor]).map(\.label) == ["over_budget"])
            #expect(try await desk.claim([StoreDesk.keyed("repo")])[0].token == 1)
            #expect(try await desk.count("moose.gates WHERE running = 1") == 1)
        }
    }

    @Test func `a rate lets so many start and refills with time`() async throws {
        try await StoreDesk.open { desk in
            let kinds = StoreDesk.limited(KindLimits(rate: .init(count: 3, seconds: 3600)))
            let items = try StoreDesk.orders(6)
            #expect(
                try await desk.claim(items, kinds: kinds).map(\.label) == [
                    "run", "run", "run", "later", "later", "later",
                ])
            for item in items[..<3] { try await desk.end(item.id, 1) }
            #expect(try await desk.callDue().isEmpty, "an end gives no start back")
            #expect(try await desk.store.wakeGates() == 0)
            try await desk.run("UPDATE moose.gates SET refilled_at = refilled_at - interval '41 minutes'")
            #expect(try await desk.store.wakeGates() == 2)
            #expect(try await desk.store.wakeGates() == 0)
            let answers = try await desk.takeLine(kinds: kinds)
            #expect(answers.map(\.id) == items[3...4].map(\.id) && answers.allSatisfy { $0.verdict.token == 1 })
            // A night without work fills the bucket, and no more than that.
            try await desk.run("UPDATE moose.gates SET refilled_at = refilled_at - interval '9 hours'")
            let more = try (1...6).map { _ in try StoreDesk.order() }
            _ = try await desk.store.wakeGates()
            _ = try await desk.takeLine(kinds: kinds)
            #expect(try await desk.claim(more, kinds: kinds).filter { $0.token != nil }.count == 2)
        }
    }

    @Test func `a limit that moose yaml no longer has lets its waiters go`() async throws {
        try await StoreDesk.open { desk in
            let kinds = StoreDesk.limited(KindLimits(concurrency: 1))
            let items = try (1...8).map { _ in try StoreDesk.order() }
            _ = try await desk.claim(items, kinds: kinds)
            try await desk.end(items[0].id, 1)
            #expect(try await desk.takeLine().count == 1)
            #expect(try await desk.store.wakeGates() == 6)
            #expect(try await desk.takeLine().allSatisfy { $0.verdict.token == 1 })
        }
    }
}
