import FoundationEssentials
import Postgres
import Store
import Testing

struct LeaseTests {
    private static let key = LeaseKey(id: UUID(), token: 1)
    private static let start = ContinuousClock.now

    private static func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test func `a lease is rescued at the second look only`() {
        var watch = LeaseWatch()
        #expect(watch.pass([Self.key], at: Self.at(0)).isEmpty)
        #expect(watch.pass([Self.key], at: Self.at(14)).isEmpty)
        #expect(watch.pass([Self.key], at: Self.at(15)) == [Self.key])
    }

    @Test func `a lease renewed between two looks starts over`() {
        var watch = LeaseWatch()
        #expect(watch.pass([Self.key], at: Self.at(0)).isEmpty)
        #expect(watch.pass([], at: Self.at(10)).isEmpty)
        #expect(watch.pass([Self.key], at: Self.at(20)).isEmpty)
        #expect(watch.pass([Self.key], at: Self.at(35)) == [Self.key])
    }

    @Test func `another token is another lease`() {
        var watch = LeaseWatch()
        let next = LeaseKey(id: Self.key.id, token: 2)
        #expect(watch.pass([Self.key], at: Self.at(0)).isEmpty)
        #expect(watch.pass([next], at: Self.at(15)).isEmpty)
    }

    @Test func `after a failed or a late look nobody is rescued at once`() {
        var failed = LeaseWatch()
        #expect(failed.pass([Self.key], at: Self.at(0)).isEmpty)
        failed.passFailed()
        #expect(failed.pass([Self.key], at: Self.at(16)).isEmpty)

        var late = LeaseWatch()
        #expect(late.pass([Self.key], at: Self.at(0)).isEmpty)
        #expect(late.pass([Self.key], at: Self.at(31)).isEmpty)
        #expect(late.pass([Self.key], at: Self.at(46)) == [Self.key])
    }

    @Test func `a lease that is alive is not rescued and one that is lost is told`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order()
            let key = LeaseKey(id: item.id, token: try await ledger.start(item))
            #expect(try await ledger.store.expiredLeases().isEmpty)
            #expect(try await ledger.store.rescue([key], maxAttempts: 5) == 0)
            try await ledger.expireLeases()
            #expect(try await ledger.store.expiredLeases() == [key])
            // The living renew also past expiry.
            #expect(try await ledger.store.renew([key], worker: ledger.worker, lease: .seconds(45)).isEmpty)
            #expect(try await ledger.store.rescue([key], maxAttempts: 5) == 0)
            try await ledger.expireLeases()
            #expect(try await ledger.store.rescue([key], maxAttempts: 5) == 1)
            #expect(try await ledger.state(item.id) == "retrying")
            #expect(try await ledger.store.renew([key], worker: ledger.worker, lease: .seconds(45)) == [key])
        }
    }

    @Test func `an order that loses three workers is poison`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order(usd: "1")
            var next = item
            for loss in 1...3 {
                let key = LeaseKey(id: item.id, token: try await ledger.start(next))
                try await ledger.expireLeases()
                #expect(try await ledger.store.rescue([key], maxAttempts: 50) == 1)
                #expect(try await ledger.state(item.id) == (loss < 3 ? "retrying" : "failed"))
                next = Ledger.doorbell(item.id)
            }
            #expect(try await ledger.count("moose.work_orders WHERE worker_losses = 3 AND error LIKE 'poison%'") == 1)
            #expect(
                try await ledger.count(
                    """
                    moose.outbox WHERE type = 'moose.error-event.v1'
                    AND convert_from(body, 'UTF8')::json -> 'details' ->> 'poison' = 'true'
                    """) == 1)
            #expect(try await ledger.count("moose.outcome_vectors WHERE outcome = 'worker_lost'") == 3)
        }
    }

    @Test func `a ring while its doorbell is being published survives the delete`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order()
            // Parked: the claim rings for later; the second ring below is due now.
            #expect(try await ledger.claim([item], park: true) == [.later])
            try await ledger.store.postgres.runSimple("UPDATE moose.outbox SET due_at = now()")
            let lease = UUID()
            let due = try await ledger.store.leaseOutbox(lease)
            #expect(due.map(\.doorbellFor) == [item.id])
            #expect(try await ledger.store.leaseOutbox(UUID()).isEmpty, "another relay passes it by")
            _ = try await ledger.store.postgres.run(
                "SELECT moose.ring(\([item.id]), \(["default"]), ARRAY[now()])")
            try await ledger.store.deleteOutbox(lease, due)
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(item.id)'") == 1)
            let again = UUID()
            let rung = try await ledger.store.leaseOutbox(again)
            #expect(rung.map(\.doorbellFor) == [item.id])
            try await ledger.store.deleteOutbox(again, rung)
            #expect(try await ledger.count("moose.outbox") == 0)
        }
    }
}
