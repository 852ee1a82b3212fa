import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What becomes of orders that wait for others.
struct DependencyTests {
    private static let failure = AttemptFailure(.testFail, "no", retry: .never)

    /// The messages that name these two, of the operation `dependency`.
    private static func told(_ ledger: Ledger, _ waiting: UUID, _ broken: UUID) async throws -> Int64 {
        try await ledger.count(
            """
            moose.outbox WHERE type = 'moose.error-event.v1'
            AND convert_from(body, 'UTF8')::json ->> 'operation' = 'dependency'
            AND convert_from(body, 'UTF8')::json ->> 'message' ILIKE '%\(waiting)%\(broken)%'
            """)
    }

    @Test func `everyone along a chain is told once what broke`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            let third = try Ledger.order(dependsOn: [second.id])
            #expect(try await ledger.claim([second, third]) == [.later, .later])
            try await ledger.end(first.id, try await ledger.start(first), .failed(Self.failure))
            let late = try Ledger.order(dependsOn: [third.id])
            #expect(try await ledger.claim([late]) == [.later])
            for waiting in [second, third, late] {
                #expect(try await ledger.state(waiting.id) == "blocked")
                #expect(try await Self.told(ledger, waiting.id, first.id) == 1)
            }
        }
    }

    @Test func `a failed dependency that is run again and completes releases the chain`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            let third = try Ledger.order(dependsOn: [second.id])
            #expect(try await ledger.claim([third, second]) == [.later, .later])
            try await ledger.end(first.id, try await ledger.start(first), .failed(Self.failure))
            try await ledger.run("UPDATE moose.work_orders SET state = 'pending' WHERE id = '\(first.id)'")
            for item in [first, second, third] {
                let token = try await ledger.start(Ledger.doorbell(item.id))
                try await ledger.end(item.id, token)
            }
            #expect(try await ledger.takeDoorbells() == [second.id, third.id])
        }
    }

    @Test func `an order waits for one nobody has seen, and is rung when that has run`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            #expect(try await ledger.claim([second]) == [.later])
            _ = try await ledger.store.sweep(idleLanes: ["default"])
            #expect(try await ledger.count("moose.outbox") == 0)
            try await ledger.end(first.id, try await ledger.start(first))
            #expect(try await ledger.answerDoorbells().map(\.id) == [second.id])
        }
    }

    @Test(arguments: [true, false])
    func `orders that wait for each other are refused`(inOneBatch: Bool) async throws {
        try await Ledger.open { ledger in
            let ids = (1...3).map { _ in UUID.timeOrdered() }
            let items = try ids.indices.map { try Ledger.order(ids[$0], dependsOn: [ids[($0 + 1) % 3]]) }
            let outside = try Ledger.order(dependsOn: [ids[0]])
            #expect(try await ledger.claim([outside]) == [.later])
            if inOneBatch {
                #expect(try await ledger.claim(items).contains(.invalid(reason: "dependency_cycle")))
            } else {
                #expect(try await ledger.claim([items[0]]) == [.later])
                #expect(try await ledger.claim([items[1]]) == [.later])
                #expect(try await ledger.claim([items[2]]) == [.invalid(reason: "dependency_cycle")])
            }
            #expect(try await !ledger.these(items, in: "failed").isEmpty)
            #expect(try await ledger.events(reason: "dependency_cycle") >= 1)
            // A person hears of each: it failed, or it waits for one that did.
            let failed = try await ledger.these(items, in: "failed").map { items[$0].id }
            for waiting in items + [outside] where !failed.contains(waiting.id) {
                var told: Int64 = 0
                for id in failed { told += try await Self.told(ledger, waiting.id, id) }
                #expect(told >= 1)
            }
        }
    }

    @Test func `a cycle whose orders came in claims that could not see each other is found by the sweep`() async throws
    {
        try await Ledger.open { ledger in
            let ids = [UUID.timeOrdered(), UUID.timeOrdered()]
            let items = try [0, 1].map { try Ledger.order(ids[$0], dependsOn: [UUID()]) }
            #expect(try await ledger.claim(items) == [.later, .later])
            // As two claims at the same moment leave it.
            try await ledger.run(
                """
                INSERT INTO moose.work_order_dependencies (work_order_id, depends_on)
                VALUES ('\(ids[0])', '\(ids[1])'), ('\(ids[1])', '\(ids[0])')
                """)
            _ = try await ledger.store.sweep(idleLanes: [])
            #expect(try await ledger.these(items, in: "failed").count >= 1)
            #expect(try await ledger.events(reason: "dependency_cycle") >= 1)
        }
    }

    @Test func `a long chain in its order is claimed without a look back`() async throws {
        try await Ledger.open { ledger in
            var previous: [UUID] = []
            let items = try (0..<400).map { _ in
                let item = try Ledger.order(dependsOn: previous)
                previous = [item.id]
                return item
            }
            let verdicts = try await ledger.claim(items)
            #expect(verdicts.dropFirst().allSatisfy { $0 == .later })
            #expect(verdicts[0].token == 1)
        }
    }
}
