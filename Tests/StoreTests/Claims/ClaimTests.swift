import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

struct ClaimTests {
    @Test func `an end under an old token is refused and its real cost still recorded once`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "2")
            let old = try await desk.start(item)
            try await desk.expireLeases()
            #expect(try await desk.store.rescue([LeaseKey(id: item.id, token: old)], maxAttempts: 5) == 1)
            let new = try await desk.start(StoreDesk.registered(item.id))
            #expect(new > old)

            for _ in 1...2 {
                #expect(try await !desk.end(item.id, old, cost: StoreDesk.usd("0.5")))
                #expect(try await desk.state(item.id) == "in_progress")
            }
            #expect(try await desk.count("moose.cost_tracking WHERE entry = 'presumed' AND amount_u = 2000000") == 1)
            #expect(try await desk.count("moose.cost_tracking WHERE entry = 'late' AND amount_u = -1500000") == 1)
            #expect(try await desk.count("moose.cost_tracking") == 2)

            #expect(try await desk.end(item.id, new, cost: StoreDesk.usd("1")))
            #expect(try await desk.state(item.id) == "completed")
            #expect(try await !desk.end(item.id, new, cost: StoreDesk.usd("1")), "a repeated end counts once")
            #expect(try await desk.count("moose.cost_tracking") == 3)
        }
    }

    @Test func `the same order delivered twice runs once`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            let token = try await desk.start(item)
            #expect(try await desk.claim([item]) == [.duplicate])
            try await desk.end(item.id, token)
            #expect(try await desk.claim([item]) == [.duplicate])
            #expect(try await desk.claim([StoreDesk.registered(item.id)]) == [.duplicate])
            #expect(try await desk.count("moose.budget_holds") == 1)
        }
    }

    @Test func `an id used again with another body is a dead letter`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(title: "first")
            _ = try await desk.start(item)
            let other = try StoreDesk.order(item.id, title: "second")
            #expect(try await desk.claim([other]) == [.invalid(reason: "id_reused")])
            #expect(try await desk.count("moose.dead_letters WHERE reason = 'id_reused'") == 1)
            #expect(try await desk.state(item.id) == "in_progress")
            #expect(try await desk.events(reason: "id_reused") == 1)
        }
    }

    @Test func `a claim asked again after a lost reply gives the same lease and one hold`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            let claim = UUID()
            let first = try await desk.claim([item], claim: claim)
            let again = try await desk.claim([item], claim: claim)
            guard case .run(let grant) = first[0], case .run(let repeated) = again[0] else {
                Issue.record("both were to run: \(first), \(again)")
                return
            }
            #expect(grant.token == repeated.token && grant.attempt == repeated.attempt)
            #expect(try await desk.count("moose.budget_holds") == 1)
            #expect(try await desk.value("SELECT attempt::bigint FROM moose.work_orders", as: Int64.self) == 1)
        }
    }

    @Test func `an order waits for what it depends on and is rung when that completes`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order()
            let last = try StoreDesk.order(dependsOn: [first.id, second.id])
            #expect(try await desk.claim([last]) == [.later])
            #expect(try await desk.state(last.id) == "blocked")
            try await desk.end(first.id, try await desk.start(first))
            #expect(try await desk.state(last.id) == "blocked")
            #expect(try await desk.count("moose.outbox") == 0)
            try await desk.end(second.id, try await desk.start(second))
            #expect(try await desk.state(last.id) == "pending")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(last.id)'") == 1)
            #expect(try await desk.start(StoreDesk.registered(last.id)) == 1)
        }
    }

    @Test func `a broken dependency is reported once for each order that waits, naming both`() async throws {
        try await StoreDesk.open { desk in
            let broken = try StoreDesk.order()
            let waiting = try StoreDesk.order(dependsOn: [broken.id])
            let late = try StoreDesk.order(dependsOn: [broken.id])
            #expect(try await desk.claim([waiting]) == [.later])
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await desk.end(broken.id, try await desk.start(broken), .failed(failure))
            #expect(try await desk.claim([late]) == [.later])
            try await desk.settle()
            for item in [waiting, late] {
                #expect(try await desk.state(item.id) == "blocked")
                let event = "convert_from(body, 'UTF8')::json"
                #expect(
                    try await desk.count(
                        """
                        moose.outbox WHERE type = 'moose.error-event.v1'
                        AND \(event) ->> 'operation' = 'dependency'
                        AND \(event) ->> 'message' ILIKE '%\(item.id)%\(broken.id)%'
                        """) == 1)
            }
        }
    }
}
