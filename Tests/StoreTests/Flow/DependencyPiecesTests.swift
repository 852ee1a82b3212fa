import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// However many orders wait for one, and one for however many: a commit does a bounded piece of it, and nobody is left.
struct DependencyPiecesTests {
    private static let failure = AttemptFailure(.testFail, "no", retry: .never)

    @Test func `two thousand dependants of one order are released in pieces, each with its doorbell`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let token = try await desk.start(first)
            try await desk.block(2000, on: first.id)
            #expect(try await desk.end(first.id, token))
            #expect(try await desk.count("moose.work_orders WHERE state = 'blocked'") == 2000, "not in that commit")
            var most: Int64 = 0
            var before: Int64 = 0
            while try await desk.store.settleDependencies(.ends, limit: 300) > 0 {
                let released = try await desk.count("moose.work_orders WHERE state = 'pending'")
                (most, before) = (max(most, released - before), released)
            }
            #expect(most == 300)
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL") == 2000)
            #expect(try await desk.count("moose.dependency_waits") == 0)
            #expect(try await desk.count("moose.dependency_ends") == 0)
        }
    }

    @Test func `a few dependants go on in the commit of the end`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let token = try await desk.start(first)
            try await desk.block(300, on: first.id)
            try await desk.end(first.id, token)
            #expect(try await desk.callDue().count == 300)
        }
    }

    @Test(arguments: [3, 700], [true, false])
    func `a dependant that somebody holds just then goes on a moment later`(
        dependants: Int, holdsAWaitToo: Bool
    ) async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let token = try await desk.start(first)
            try await desk.block(dependants, on: first.id)
            try await desk.store.postgres.withTransaction { transaction in
                // One order, and the wait of another: as a cancel that is rolled back holds them.
                _ = try await transaction.run(
                    "SELECT 1 FROM moose.work_orders WHERE state = 'blocked' ORDER BY id LIMIT 1 FOR UPDATE")
                if holdsAWaitToo {
                    _ = try await transaction.run(
                        "SELECT 1 FROM moose.dependency_waits ORDER BY work_order_id OFFSET 1 LIMIT 1 FOR UPDATE")
                }
                #expect(try await desk.end(first.id, token))
                try await desk.settle()
                #expect(
                    try await desk.count("moose.work_orders WHERE state = 'blocked'") == (holdsAWaitToo ? 2 : 1))
            }
            try await eventually("all go on") {
                try await desk.settle()
                return try await desk.count("moose.work_orders WHERE state = 'blocked'") == 0
            }
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL") == Int64(dependants))
        }
    }

    @Test func `of very many dependants of a failed order a hundred are told of, and then how many there are`()
        async throws
    {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let token = try await desk.start(first)
            try await desk.block(2000, on: first.id)
            try await desk.end(first.id, token, .failed(Self.failure))
            try await desk.settle(limit: 50)
            #expect(try await desk.dependencyEvents(like: "work order % waits for \(first.id)%") == 100)
            #expect(try await desk.events(reason: "many_dependants") == 1)
            #expect(try await desk.dependencyEvents(like: "more than 100%\(first.id)%(2000 of them%") == 1)
            // Who comes later is one of many, too.
            let late = try StoreDesk.order(dependsOn: [first.id])
            _ = try await desk.claim([late])
            try await desk.settle()
            #expect(try await desk.dependencyEvents(like: "%") == 101)
            #expect(try await desk.count("moose.broken_dependencies") <= 102)
            // They go on when it is run again.
            try await desk.run("SELECT moose.retry_work_orders('{\(first.id)}', 'ann', 'again')")
            try await desk.end(first.id, try await desk.start(StoreDesk.registered(first.id)))
            try await desk.settle()
            #expect(try await desk.count("moose.work_orders WHERE state = 'blocked'") == 0)
            #expect(try await desk.count("moose.broken_dependencies") == 0)
        }
    }

    @Test func `layers of orders with two hundred and fifty dependencies each run to their end`() async throws {
        try await StoreDesk.open { desk in
            var layers: [[ClaimItem]] = []
            for _ in 1...3 {
                let before = layers.last?.map(\.id) ?? []
                layers.append(try (1...250).map { _ in try StoreDesk.order(dependsOn: before) })
            }
            // The dependants first, so that none of what they wait for is there.
            for layer in layers.reversed() { _ = try await desk.claim(layer) }
            try await desk.settle()
            var rounds = 0
            while try await desk.count("moose.work_orders WHERE state = 'completed'") < 750, rounds < 100 {
                rounds += 1
                try await desk.endAll()
                try await desk.settle()
                _ = try await desk.claim(try await desk.callDue().map(StoreDesk.registered))
            }
            #expect(rounds <= 4, "one a layer")
            #expect(try await desk.count("moose.work_orders WHERE state = 'completed'") == 750)
            #expect(try await desk.events(reason: "dependency_cycle") == 0)
        }
    }

    /// A look sees a hundred of them: everything but the last completes, and is more than that, or just that.
    @Test(arguments: [249, 101, 100, 99])
    func `an order with very many dependencies waits for the last of them`(last: Int) async throws {
        try await StoreDesk.open { desk in
            let before = try (0...last).map { _ in try StoreDesk.order() }.sorted { "\($0.id)" < "\($1.id)" }
            let order = try StoreDesk.order(dependsOn: before.map(\.id))
            let verdicts = try await desk.claim(before)
            _ = try await desk.claim([order])
            for at in Array(1..<last) + [0] {
                try await desk.end(before[at].id, try #require(verdicts[at].token))
            }
            try await desk.settle()
            #expect(try await desk.state(order.id) == "blocked")
            try await desk.end(before[last].id, try #require(verdicts[last].token))
            try await desk.settle()
            #expect(try await desk.state(order.id) == "pending")
        }
    }

    @Test func `claims that name very many dependencies are several commits`() async throws {
        try await StoreDesk.open { desk in
            let unknown = (1...1000).map { _ in UUID() }
            let items = try (1...10).map { _ in try StoreDesk.order(dependsOn: unknown) } + [try StoreDesk.order()]
            let verdicts = try await desk.claim(items)
            #expect(verdicts.dropLast().allSatisfy { $0 == .later })
            #expect(verdicts.last?.token == 1)
            #expect(
                try await desk.value(
                    "SELECT max(n) FROM (SELECT count(*) AS n FROM moose.work_order_dependencies GROUP BY xmin::text) x",
                    as: Int64.self) == 4000)
        }
    }

    /// What anybody may lock who may connect, nobody of Moose waits for.
    @Test func `no function takes a lock that everybody may take`() async throws {
        try await StoreDesk.open { desk in
            let found = try await desk.count(
                """
                pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname IN ('moose', 'public') AND p.prosrc ~* 'advisory'
                """)
            #expect(found == 0)
        }
    }

    @Test func `the locks that stand for a rule can be taken by nobody without rights`() async throws {
        try await StoreDesk.open { desk in
            let role = "moose_stranger_\(UUID().uuidString.prefix(8).lowercased())"
            try await desk.run("CREATE ROLE \(role); GRANT USAGE ON SCHEMA moose TO \(role)")
            for table in ["limits_lock", "letters_lock", "turns"] {
                for mode in ["ACCESS SHARE", "ROW SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE"] {
                    do {
                        try await desk.run(
                            """
                            DO $$ BEGIN SET LOCAL ROLE \(role); LOCK TABLE moose.\(table) IN \(mode) MODE; END $$
                            """)
                        Issue.record("it has \(table) in \(mode)")
                    } catch let error as PostgresError {
                        #expect(error.sqlState == "42501")
                    }
                }
            }
            try await desk.run("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }
}
