import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Somebody cancels work, or has it tried again. An order at $1 each, so that its hold shows.
struct CancelTests {
    /// What one call did to one order.
    struct Change: Equatable {
        let before: String
        let after: String
    }

    private func cancel(_ ids: [UUID], _ desk: StoreDesk) async throws -> [Change] {
        try await changes(
            "SELECT before, after FROM moose.cancel_work_orders(\(ids), \("ann"), \("wrong prompt"))", desk)
    }

    private func retry(_ ids: [UUID], _ desk: StoreDesk) async throws -> [Change] {
        try await changes(
            "SELECT before, after FROM moose.retry_work_orders(\(ids), \("ann"), \("key renewed"))", desk)
    }

    private func changes(_ query: Query, _ desk: StoreDesk) async throws -> [Change] {
        try await desk.store.postgres.run(query).rows.map {
            Change(before: try $0.decode(0, as: String.self), after: try $0.decode(1, as: String.self))
        }
    }

    private func held(_ desk: StoreDesk) async throws -> Int64 {
        try await desk.value("SELECT coalesce(sum(held_u), 0)::bigint FROM moose.budget_buckets", as: Int64.self)
    }

    @Test
    func `a queued order is cancelled at once, its doorbell gone, its dependants told and the publisher answered`()
        async throws
    {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order(usd: "1", replyTo: "answers")
            let second = try StoreDesk.order(dependsOn: [first.id])
            #expect(try await desk.claim([first], park: true) == [.later])
            #expect(try await desk.claim([second]) == [.later])
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(first.id)'") == 1)
            #expect(try await cancel([first.id], desk) == [Change(before: "pending", after: "cancelled")])
            #expect(try await desk.state(first.id) == "cancelled")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(first.id)'") == 0)
            #expect(try await desk.count("moose.outbox WHERE routing_key = 'answers'") == 1)
            try await desk.settle()
            #expect(
                try await desk.count(
                    "moose.outbox WHERE convert_from(body, 'UTF8') LIKE '%waits for%which ended cancelled%'") == 1)
            #expect(
                try await desk.count(
                    """
                    moose.audit_log WHERE who = 'ann' AND reason = 'wrong prompt' AND action = 'work order cancel'
                    AND subject = 'work order \(first.id.uuidString.lowercased())' AND before ->> 'state' = 'pending'
                    """) == 1)
            // Its message comes again: dropped. Cancelled again: nothing changes, nothing is audited.
            #expect(try await desk.claim([first]) == [.duplicate])
            #expect(try await cancel([first.id], desk) == [Change(before: "cancelled", after: "cancelled")])
            #expect(try await desk.count("moose.audit_log WHERE action = 'work order cancel'") == 1)
        }
    }

    @Test func `an order cancelled before its message came is a duplicate when it comes, and no dead letter`()
        async throws
    {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            #expect(try await cancel([item.id], desk) == [Change(before: "unknown", after: "cancelled")])
            #expect(try await desk.claim([item]) == [.duplicate])
            #expect(try await desk.claim([StoreDesk.registered(item.id)]) == [.duplicate])
            #expect(try await desk.count("moose.dead_letters") == 0)
            #expect(try await held(desk) == 0)
        }
    }

    @Test func `a running order keeps its lease until its worker ends it, and its real cost is posted`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            let key = LeaseKey(id: item.id, token: try await desk.start(item))
            #expect(try await cancel([item.id], desk) == [Change(before: "in_progress", after: "cancel_requested")])
            #expect(try await desk.state(item.id) == "in_progress")
            #expect(try await desk.store.renew([key], worker: desk.worker, lease: .seconds(45)).isEmpty)
            #expect(
                try await desk.store.cancelRequests(worker: desk.worker)
                    == [CancelRequest(key: key, who: "ann", reason: "wrong prompt")])
            #expect(try await desk.store.cancelRequests(worker: UUID()).isEmpty)
            #expect(try await desk.end(item.id, key.token, .cancelled, cost: StoreDesk.usd("0.3")))
            #expect(try await desk.state(item.id) == "cancelled")
            #expect(try await desk.count("moose.work_orders WHERE error = 'cancelled by ann: wrong prompt'") == 1)
            #expect(
                try await desk.count("moose.outcome_vectors WHERE outcome = 'cancelled' AND cost_u = 300000") == 1)
            #expect(try await desk.count("moose.cost_tracking WHERE amount_u = 300000") == 1)
            #expect(try await held(desk) == 0)
            #expect(try await desk.count("moose.outbox WHERE type = 'moose.error-event.v1'") == 0, "nothing failed")
            #expect(try await desk.store.cancelRequests(worker: desk.worker).isEmpty)
        }
    }

    @Test(arguments: [
        FinishItem.Ending.retry(AttemptFailure(.timeout, "slow"), after: .zero), .interrupted, .snoozed(.zero),
        .failed(AttemptFailure(.testFail, "red")),
    ])
    func `however a cancelled attempt ends without a result, it is not tried again`(ending: FinishItem.Ending)
        async throws
    {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            let token = try await desk.start(item)
            _ = try await cancel([item.id], desk)
            #expect(try await desk.end(item.id, token, ending, cost: .zero))
            #expect(try await desk.state(item.id) == "cancelled")
            #expect(try await desk.count("moose.outbox") == 0, "no doorbell and no error event")
            #expect(try await desk.count("moose.outcome_vectors WHERE outcome = 'cancelled' AND NOT success") == 1)
            #expect(
                try await desk.count("moose.work_orders WHERE failure_class IS NULL AND finished_at IS NOT NULL") == 1
            )
        }
    }

    @Test func `a result wins over a cancel that was asked for before, and over one that comes after`() async throws {
        try await StoreDesk.open { desk in
            let (first, second) = (try StoreDesk.order(usd: "1"), try StoreDesk.order(usd: "1"))
            let token = try await desk.start(first)
            _ = try await cancel([first.id], desk)
            #expect(try await desk.end(first.id, token))
            #expect(try await desk.state(first.id) == "completed")
            try await desk.end(second.id, try await desk.start(second))
            #expect(try await cancel([second.id], desk) == [Change(before: "completed", after: "completed")])
            #expect(try await desk.state(second.id) == "completed")
        }
    }

    @Test func `the rescue of a lost worker ends a cancelled order instead of trying it again`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1", replyTo: "answers")
            let other = try StoreDesk.order(usd: "1")
            let key = LeaseKey(id: item.id, token: try await desk.start(item))
            let otherKey = LeaseKey(id: other.id, token: try await desk.start(other))
            _ = try await cancel([item.id], desk)
            #expect(try await desk.store.rescue([key, otherKey], maxAttempts: 5) == 0, "the lease is alive")
            try await desk.expireLeases()
            let older = LeaseKey(id: key.id, token: key.token - 1)
            #expect(try await desk.store.rescue([older], maxAttempts: 5) == 0, "another claim's lease was lost")
            #expect(try await desk.store.rescue([key, otherKey], maxAttempts: 5) == 2)
            #expect(try await desk.state(item.id) == "cancelled")
            #expect(try await desk.state(other.id) == "retrying")
            #expect(try await desk.count("moose.outbox WHERE routing_key = 'answers'") == 1)
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(item.id)'") == 0)
            #expect(try await desk.count("moose.budget_holds WHERE state = 'presumed_spent'") == 2)
            #expect(
                try await desk.count(
                    "moose.outcome_vectors WHERE outcome = 'cancelled' AND failure_class = 'worker_lost'") == 1)
            // The worker was only stopped, and comes back: refused, and its real cost counts once.
            #expect(try await desk.end(item.id, key.token, .cancelled, cost: StoreDesk.usd("0.3")) == false)
            #expect(try await desk.state(item.id) == "cancelled")
            #expect(try await desk.count("moose.budget_holds WHERE late AND actual_u = 300000") == 1)
        }
    }

    @Test(arguments: ["its worker", "the rescue"])
    func `whoever ends a running order that was cancelled tells those who wait for it`(who: String) async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let key = LeaseKey(id: first.id, token: try await desk.start(first))
            #expect(try await desk.claim([StoreDesk.order(dependsOn: [first.id])]) == [.later])
            _ = try await cancel([first.id], desk)
            let told = "moose.outbox WHERE convert_from(body, 'UTF8') LIKE '%waits for%which ended cancelled%'"
            try await desk.settle()
            #expect(try await desk.count(told) == 0, "it may still end with a result")
            if who == "the rescue" {
                try await desk.expireLeases()
                #expect(try await desk.store.rescue([key], maxAttempts: 5) == 1)
            } else {
                #expect(try await desk.end(first.id, key.token, .cancelled))
            }
            try await desk.settle()
            #expect(try await desk.count(told) == 1)
        }
    }

    @Test func `a second cancel of a running order changes nothing`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            let key = LeaseKey(id: item.id, token: try await desk.start(item))
            _ = try await cancel([item.id], desk)
            let again = try await changes(
                "SELECT before, after FROM moose.cancel_work_orders(\([item.id]), \("bob"), \("me too"))", desk)
            #expect(again == [Change(before: "in_progress", after: "cancel_requested")])
            #expect(
                try await desk.store.cancelRequests(worker: desk.worker)
                    == [CancelRequest(key: key, who: "ann", reason: "wrong prompt")])
            #expect(try await desk.count("moose.audit_log WHERE action = 'work order cancel'") == 1)
        }
    }

    @Test func `a failed order is tried again from its first attempt on, under a token that goes on`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            let token = try await desk.start(item)
            try await desk.end(item.id, token, .failed(AttemptFailure(.testFail, "red")))
            // Two workers were lost over it before: a third loss would have been its last.
            try await desk.run("UPDATE moose.work_orders SET worker_losses = 2")
            #expect(try await retry([item.id, UUID()], desk).map(\.after).sorted() == ["pending", "unknown"])
            #expect(try await desk.count("moose.work_orders WHERE state = 'pending' AND attempt = 0") == 1)
            #expect(try await desk.count("moose.work_orders WHERE worker_losses = 0") == 1)
            #expect(
                try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(item.id)' AND due <= now()") == 1)
            #expect(
                try await desk.count(
                    "moose.audit_log WHERE action = 'work order retry' AND before ->> 'error' = 'red' AND who = 'ann'")
                    == 1)
            let again = try await desk.start(StoreDesk.registered(item.id))
            #expect(again == token + 1)
            try await desk.end(item.id, again)
            #expect(try await desk.count("moose.outcome_vectors WHERE attempt = 1") == 2)
            #expect(try await retry([item.id], desk) == [Change(before: "completed", after: "completed")])
        }
    }

    @Test func `a failed order whose dependency failed too waits for it`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            try await desk.end(first.id, try await desk.start(first), .failed(AttemptFailure(.testFail, "red")))
            _ = try await desk.claim([second])
            try await desk.run("UPDATE moose.work_orders SET state = 'failed' WHERE id = '\(second.id)'")
            #expect(try await retry([second.id], desk) == [Change(before: "failed", after: "blocked")])
            #expect(try await desk.state(second.id) == "blocked")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(second.id)'") == 0)
            #expect(try await retry([first.id], desk) == [Change(before: "failed", after: "pending")])
            try await desk.end(first.id, try await desk.start(StoreDesk.registered(first.id)))
            #expect(try await desk.state(second.id) == "pending")
        }
    }

    @Test func `a cancel and a claim or an end at the same moment leave each order in one state, its money settled`()
        async throws
    {
        try await StoreDesk.open { desk in
            let items = try (0..<40).map { _ in try StoreDesk.order(usd: "0.01") }
            let ids = items.map(\.id)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for start in stride(from: 0, to: 40, by: 5) {
                    group.addTask {
                        let some = Array(items[start..<start + 5])
                        for (item, verdict) in zip(some, try await desk.claim(some)) {
                            guard case .run(let grant) = verdict else { continue }
                            try await desk.end(item.id, grant.token, .interrupted)
                        }
                    }
                    group.addTask { _ = try await cancel(Array(ids[start..<start + 5].reversed()), desk) }
                }
                try await group.waitForAll()
            }
            #expect(try await desk.count("moose.work_orders WHERE state = 'cancelled'") == 40)
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL") == 0)
            #expect(try await held(desk) == 0)
        }
    }
}
