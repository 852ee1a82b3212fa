import FoundationEssentials
import Postgres
import Store
import Testing

struct LeaseTests {
    private static let lease = ExpiredLease(key: LeaseKey(id: UUID(), token: 1), expiry: 1)
    private static let start = ContinuousClock.now

    /// A pass that was answered at once.
    private static func look(_ watch: inout LeaseWatch, _ expired: [ExpiredLease], at second: Int) -> [LeaseKey] {
        watch.pass(expired, asked: start + .seconds(second), answered: start + .seconds(second))
    }

    @Test func `a lease is rescued at the second look only`() {
        var watch = LeaseWatch()
        #expect(Self.look(&watch, [Self.lease], at: 0).isEmpty)
        #expect(Self.look(&watch, [Self.lease], at: 14).isEmpty)
        #expect(Self.look(&watch, [Self.lease], at: 15) == [Self.lease.key])
    }

    @Test func `a lease renewed between two looks starts over`() {
        var watch = LeaseWatch()
        #expect(Self.look(&watch, [Self.lease], at: 0).isEmpty)
        #expect(Self.look(&watch, [], at: 10).isEmpty)
        #expect(Self.look(&watch, [Self.lease], at: 20).isEmpty)
        #expect(Self.look(&watch, [Self.lease], at: 35) == [Self.lease.key])
    }

    @Test func `another token, or another expiry, is another lease`() {
        for next in [
            ExpiredLease(key: LeaseKey(id: Self.lease.key.id, token: 2), expiry: 1),
            ExpiredLease(key: Self.lease.key, expiry: 2),
        ] {
            var watch = LeaseWatch()
            #expect(Self.look(&watch, [Self.lease], at: 0).isEmpty)
            #expect(Self.look(&watch, [next], at: 15).isEmpty)
            #expect(Self.look(&watch, [next], at: 30) == [next.key])
        }
    }

    @Test func `after a failed or a late look nobody is rescued at once`() {
        var failed = LeaseWatch()
        #expect(Self.look(&failed, [Self.lease], at: 0).isEmpty)
        failed.passFailed()
        #expect(Self.look(&failed, [Self.lease], at: 16).isEmpty)

        // As after a stop of the process, a sleep of the machine, or an hour of a hung database.
        var late = LeaseWatch()
        #expect(Self.look(&late, [Self.lease], at: 0).isEmpty)
        #expect(Self.look(&late, [Self.lease], at: 31).isEmpty)
        #expect(Self.look(&late, [Self.lease], at: 46) == [Self.lease.key])
    }

    @Test func `a slow answer counts as old as its question`() {
        var watch = LeaseWatch()
        #expect(watch.pass([Self.lease], asked: Self.start, answered: Self.start + .seconds(9)).isEmpty)
        let asked = Self.start + .seconds(16)
        #expect(watch.pass([Self.lease], asked: asked, answered: asked + .seconds(9)).isEmpty, "7 s apart perhaps")
        #expect(Self.look(&watch, [Self.lease], at: 34) == [Self.lease.key])
    }

    @Test func `a lease that is alive is not rescued and one that is lost is told`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            let key = LeaseKey(id: item.id, token: try await desk.start(item))
            #expect(try await desk.store.expiredLeases().isEmpty)
            #expect(try await desk.store.rescue([key], maxAttempts: 5) == 0)
            try await desk.expireLeases()
            #expect(try await desk.store.expiredLeases().map(\.key) == [key])
            // The living renew also past expiry.
            #expect(try await desk.store.renew([key], worker: desk.worker, lease: .seconds(45)).isEmpty)
            #expect(try await desk.store.rescue([key], maxAttempts: 5) == 0)
            try await desk.expireLeases()
            #expect(try await desk.store.rescue([key], maxAttempts: 5) == 1)
            #expect(try await desk.state(item.id) == "retrying")
            #expect(try await desk.store.renew([key], worker: desk.worker, lease: .seconds(45)) == [key])
        }
    }

    @Test func `a lease that its worker renewed and lost again between two looks is not rescued yet`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            let key = LeaseKey(id: item.id, token: try await desk.start(item))
            var watch = LeaseWatch()
            try await desk.expireLeases()
            #expect(Self.look(&watch, try await desk.store.expiredLeases(), at: 0).isEmpty)
            #expect(try await desk.store.renew([key], worker: desk.worker, lease: .seconds(45)).isEmpty)
            try await desk.expireLeases()
            #expect(Self.look(&watch, try await desk.store.expiredLeases(), at: 16).isEmpty)
            #expect(Self.look(&watch, try await desk.store.expiredLeases(), at: 31) == [key])
        }
    }

    /// The clock that counts is the database's; a jump of it is a shift of everything it wrote before.
    @Test(arguments: [60, 3600, 86_400 * 30])
    func `a database whose clock jumps ahead rescues nobody who is alive`(seconds: Int) async throws {
        try await StoreDesk.open { desk in
            let items = try (1...3).map { _ in try StoreDesk.order() }
            var keys: [LeaseKey] = []
            for item in items { keys.append(LeaseKey(id: item.id, token: try await desk.start(item))) }
            try await Self.jump(seconds, desk)
            var watch = LeaseWatch()
            let seen = try await desk.store.expiredLeases()
            #expect(Set(seen.map(\.key)) == Set(keys), "to the eye all are lost")
            #expect(Self.look(&watch, seen, at: 0).isEmpty)
            // Two of three live.
            let alive = Array(keys.dropLast())
            #expect(try await desk.store.renew(alive, worker: desk.worker, lease: .seconds(45)).isEmpty)
            let lost = Self.look(&watch, try await desk.store.expiredLeases(), at: 16)
            #expect(lost == [keys[2]])
            #expect(try await desk.store.rescue(lost, maxAttempts: 5) == 1)
            for key in alive { #expect(try await desk.end(key.id, key.token)) }
        }
    }

    @Test func `a database whose clock goes back waits longer before it rescues, and loses nobody`() async throws {
        try await StoreDesk.open { desk in
            let items = try (1...2).map { _ in try StoreDesk.order() }
            var keys: [LeaseKey] = []
            for item in items { keys.append(LeaseKey(id: item.id, token: try await desk.start(item))) }
            try await Self.jump(-600, desk)
            #expect(try await desk.store.renew([keys[0]], worker: desk.worker, lease: .seconds(45)).isEmpty)
            #expect(try await desk.store.expiredLeases().isEmpty)
            // The dead one's lease ends when the clock has caught up.
            try await Self.jump(650, desk)
            #expect(try await desk.store.renew([keys[0]], worker: desk.worker, lease: .seconds(45)).isEmpty)
            #expect(try await desk.store.expiredLeases().map(\.key) == [keys[1]])
            #expect(try await desk.store.rescue([keys[1]], maxAttempts: 5) == 1)
            #expect(try await desk.state(keys[1].id) == "retrying")
        }
    }

    private static func jump(_ seconds: Int, _ desk: StoreDesk) async throws {
        try await desk.run(
            """
            UPDATE moose.leases SET expires_at = expires_at - interval '\(seconds) seconds';
            UPDATE moose.work_orders SET run_at = run_at - interval '\(seconds) seconds', started_at = started_at - interval '\(seconds) seconds'
            WHERE state = 'in_progress'
            """)
    }

    @Test func `an order that loses three workers is poison`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            var next = item
            for loss in 1...3 {
                let key = LeaseKey(id: item.id, token: try await desk.start(next))
                try await desk.expireLeases()
                #expect(try await desk.store.rescue([key], maxAttempts: 50) == 1)
                #expect(try await desk.state(item.id) == (loss < 3 ? "retrying" : "failed"))
                try await desk.run("UPDATE moose.work_orders SET run_at = now() WHERE state = 'retrying'")
                next = StoreDesk.registered(item.id)
            }
            #expect(
                try await desk.count("moose.work_orders WHERE worker_losses = 3 AND letter_reason = 'poison'") == 1)
            #expect(
                try await desk.count(
                    """
                    moose.outbox WHERE type = 'moose.error-event.v1'
                    AND convert_from(body, 'UTF8')::json -> 'details' ->> 'poison' = 'true'
                    """) == 1)
            #expect(try await desk.count("moose.outcome_vectors WHERE outcome = 'worker_lost'") == 3)
        }
    }

    @Test func `what was lost together goes on together once, and is then kept apart`() async throws {
        try await StoreDesk.open { desk in
            let items = try StoreDesk.orders(40)
            var next = items
            for loss in 1...2 {
                let verdicts = try await desk.claim(next)
                let keys = try zip(items, verdicts).map { LeaseKey(id: $0.id, token: try #require($1.token)) }
                try await desk.expireLeases()
                #expect(try await desk.store.rescue(keys, maxAttempts: 50) == 40)
                let seen = try await desk.text(
                    """
                    SELECT concat(count(DISTINCT run_at), ' ', max(run_at) - min(run_at) > interval '10 seconds')
                    FROM moose.work_orders
                    """)
                #expect(seen == (loss == 1 ? "1 f" : "40 t"))
                #expect(
                    try await desk.count(
                        "moose.waiting x JOIN moose.work_orders w ON w.id = x.id AND w.run_at = x.due")
                        == 40)
                next = items.map { StoreDesk.registered($0.id) }
            }
        }
    }
}
