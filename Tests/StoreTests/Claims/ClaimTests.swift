import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

struct ClaimTests {
    @Test func `an end under an old token is refused and its real cost still recorded once`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order(usd: "2")
            let old = try await ledger.start(item)
            try await ledger.expireLeases()
            #expect(try await ledger.store.rescue([LeaseKey(id: item.id, token: old)], maxAttempts: 5) == 1)
            let new = try await ledger.start(Ledger.doorbell(item.id))
            #expect(new > old)

            for _ in 1...2 {
                #expect(try await !ledger.end(item.id, old, cost: Ledger.usd("0.5")))
                #expect(try await ledger.state(item.id) == "in_progress")
            }
            #expect(try await ledger.count("moose.cost_tracking WHERE entry = 'presumed' AND amount_u = 2000000") == 1)
            #expect(try await ledger.count("moose.cost_tracking WHERE entry = 'late' AND amount_u = -1500000") == 1)
            #expect(try await ledger.count("moose.cost_tracking") == 2)

            #expect(try await ledger.end(item.id, new, cost: Ledger.usd("1")))
            #expect(try await ledger.state(item.id) == "completed")
            #expect(try await !ledger.end(item.id, new, cost: Ledger.usd("1")), "a repeated end counts once")
            #expect(try await ledger.count("moose.cost_tracking") == 3)
        }
    }

    @Test func `the same order delivered twice runs once`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order(usd: "1")
            let token = try await ledger.start(item)
            #expect(try await ledger.claim([item]) == [.duplicate])
            try await ledger.end(item.id, token)
            #expect(try await ledger.claim([item]) == [.duplicate])
            #expect(try await ledger.claim([Ledger.doorbell(item.id)]) == [.duplicate])
            #expect(try await ledger.count("moose.budget_holds") == 1)
        }
    }

    @Test func `an id used again with another body is a dead letter`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order(title: "first")
            _ = try await ledger.start(item)
            let other = try Ledger.order(item.id, title: "second")
            #expect(try await ledger.claim([other]) == [.invalid(reason: "id_reused")])
            #expect(try await ledger.count("moose.dead_letters WHERE reason = 'id_reused'") == 1)
            #expect(try await ledger.state(item.id) == "in_progress")
            #expect(try await ledger.events(reason: "id_reused") == 1)
        }
    }

    @Test func `a claim asked again after a lost reply gives the same lease and one hold`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order(usd: "1")
            let claim = UUID()
            let first = try await ledger.claim([item], claim: claim)
            let again = try await ledger.claim([item], claim: claim)
            guard case .run(let grant) = first[0], case .run(let repeated) = again[0] else {
                Issue.record("both were to run: \(first), \(again)")
                return
            }
            #expect(grant.token == repeated.token && grant.attempt == repeated.attempt)
            #expect(try await ledger.count("moose.budget_holds") == 1)
            #expect(try await ledger.value("SELECT attempt::bigint FROM moose.work_orders", as: Int64.self) == 1)
        }
    }

    @Test func `an order waits for what it depends on and is rung when that completes`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order()
            let last = try Ledger.order(dependsOn: [first.id, second.id])
            #expect(try await ledger.claim([last]) == [.later])
            #expect(try await ledger.state(last.id) == "blocked")
            try await ledger.end(first.id, try await ledger.start(first))
            #expect(try await ledger.state(last.id) == "blocked")
            #expect(try await ledger.count("moose.outbox") == 0)
            try await ledger.end(second.id, try await ledger.start(second))
            #expect(try await ledger.state(last.id) == "pending")
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(last.id)'") == 1)
            #expect(try await ledger.start(Ledger.doorbell(last.id)) == 1)
        }
    }

    @Test func `a broken dependency is reported once for each order that waits, naming both`() async throws {
        try await Ledger.open { ledger in
            let broken = try Ledger.order()
            let waiting = try Ledger.order(dependsOn: [broken.id])
            let late = try Ledger.order(dependsOn: [broken.id])
            #expect(try await ledger.claim([waiting]) == [.later])
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await ledger.end(broken.id, try await ledger.start(broken), .failed(failure))
            #expect(try await ledger.claim([late]) == [.later])
            try await ledger.settle()
            for item in [waiting, late] {
                #expect(try await ledger.state(item.id) == "blocked")
                let event = "convert_from(body, 'UTF8')::json"
                #expect(
                    try await ledger.count(
                        """
                        moose.outbox WHERE type = 'moose.error-event.v1'
                        AND \(event) ->> 'operation' = 'dependency'
                        AND \(event) ->> 'message' ILIKE '%\(item.id)%\(broken.id)%'
                        """) == 1)
            }
        }
    }
}
