import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Testing

@testable import Moose

/// When `moose publish --wait` has waited long enough, and what it says then.
struct PublishWaitTests {
    private struct Order {
        var id = UUID()
        var title = "t"
        var after: [UUID] = []

        var line: String { #"{"id":"\#(id)","kind":"work","title":"\#(title)"}"# }
    }

    /// An order as a worker would have left it.
    private func store(_ order: Order, _ state: String, in desk: BudgetDesk) async throws {
        let body = Array(order.line.utf8)
        let first = ["completed", "needs_review"].contains(state) ? "in_progress" : state
        _ = try await desk.database.run(
            """
            INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
            VALUES (\(order.id), \(first), 'work', 'default', 't', now(), \(body), substr(sha256(\(body)), 1, 16))
            """)
        if first != state {
            _ = try await desk.database.run(
                "UPDATE moose.work_orders SET state = \(state) WHERE id = \(order.id)")
        }
        for id in order.after {
            _ = try await desk.database.run(
                "INSERT INTO moose.work_order_dependencies (work_order_id, depends_on) VALUES (\(order.id), \(id))")
        }
    }

    private func wait(for orders: [Order]) -> PublishWait {
        let text = orders.map(\.line).joined(separator: "\n")
        return PublishWait(OrderLines(Array(text.utf8), lane: "default", limit: 1_000_000, kinds: []).orders)
    }

    private func failure(_ wait: PublishWait, _ desk: BudgetDesk) async throws -> CommandFailure? {
        do {
            try await wait.run(in: desk.database, on: BudgetDesk.ascii) { _ in }
            return nil
        } catch let failure as CommandFailure {
            return failure
        }
    }

    @Test(.timeLimit(.minutes(1))) func `who waits only so long is told what has not ended`() async throws {
        try await BudgetDesk.open { desk in
            let (done, runs) = (Order(), Order())
            try await store(done, "completed", in: desk)
            try await store(runs, "pending", in: desk)
            let failure = await #expect(throws: CommandFailure.self) {
                try await wait(for: [done, runs]).run(
                    in: desk.database, within: .seconds(1), on: BudgetDesk.ascii
                ) { _ in }
            }
            let words = failure?.description ?? ""
            #expect(words.contains(": 1 of 2 have not ended after 1 s"), "\(words)")
            #expect(failure?.status == .failed)
        }
        #expect(throws: (any Error).self) { try PublishCommand.parse(["--wait-timeout", "5"]) }
        #expect(throws: (any Error).self) { try PublishCommand.parse(["--wait", "--wait-timeout", "0"]) }
        #expect(try PublishCommand.parse(["--wait", "--wait-timeout", "5"]).waitTimeout == 5)
    }

    @Test func `how an order ended is told with its cost, its error and its result`() async throws {
        try await BudgetDesk.open { desk in
            let (done, failed, unknown) = (Order(), Order(), UUID())
            try await store(done, "completed", in: desk)
            try await store(failed, "failed", in: desk)
            _ = try await desk.database.run(
                """
                UPDATE moose.work_orders SET result = convert_to('{"lines": 7}', 'UTF8') WHERE id = \(done.id)
                """)
            _ = try await desk.database.run(
                "UPDATE moose.work_orders SET error = \("no such \u{1B}[31mfile") WHERE id = \(failed.id)")
            let amounts: [Int64] = [2_500_000, 10_000]
            for amount in amounts {
                _ = try await desk.database.run(
                    """
                    INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids)
                    VALUES (\(done.id), \(amount), 0, 'settled', \(amount), '{}')
                    """)
            }
            let ends = try await OrderEnd.of([failed.id, unknown, done.id], in: desk.database)
            #expect(
                try ends.map { try PublishWait.text(of: $0, on: BudgetDesk.ascii) } == [
                    "\(failed.id.uuidString.lowercased())  failed\n  no such  [31mfile\n",
                    "\(done.id.uuidString.lowercased())  completed, $2.51\n  {\n    \"lines\" : 7\n  }\n",
                ])
            guard case .object(let json) = ends.last?.json else {
                Issue.record("no object")
                return
            }
            #expect(json["cost_usd"] == .string("2.51") && json["result"] == .object(["lines": .integer(7)]))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a line that stands there twice is one order`() async throws {
        try await BudgetDesk.open { desk in
            let order = Order()
            try await store(order, "completed", in: desk)
            let wait = wait(for: [order, order])
            #expect(wait.count == 1)
            #expect(try await failure(wait, desk) == nil)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `an order behind one that failed has ended, through however many others`() async throws {
        try await BudgetDesk.open { desk in
            for end in ["failed", "cancelled"] {
                let broken = Order()
                try await store(broken, end, in: desk)
                var chain = [broken]
                for _ in 1...20 {
                    let next = Order(after: [try #require(chain.last).id])
                    try await store(next, "blocked", in: desk)
                    chain.append(next)
                }
                let last = wait(for: [try #require(chain.last)])
                let failure = try await failure(last, desk)
                #expect(failure?.what == "1 of 1 did not complete" && failure?.status == .failed)
                #expect(try await wait(for: chain).look(desk.database).unsuccessful == 21)
            }
        }
    }

    @Test func `an order that waits for work, for CI or for what isn't there yet has not ended`() async throws {
        try await BudgetDesk.open { desk in
            let (running, review) = (Order(), Order())
            try await store(running, "in_progress", in: desk)
            try await store(review, "needs_review", in: desk)
            let behind = Order(after: [running.id])
            let far = Order(after: [behind.id, UUID()])
            for order in [behind, far] { try await store(order, "blocked", in: desk) }
            let now = try await wait(for: [running, review, behind, far, Order()]).look(desk.database)
            #expect(now.ended == 0 && now.inReview == 1)
        }
    }

    @Test func `two orders that wait for each other are looked at once`() async throws {
        try await BudgetDesk.open { desk in
            var (one, other) = (Order(), Order())
            one.after = [other.id]
            other.after = [one.id]
            for order in [one, other] { try await store(order, "blocked", in: desk) }
            #expect(try await wait(for: [one, other]).look(desk.database).ended == 0)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `an id with another body was refused, whatever became of the first`() async throws {
        try await BudgetDesk.open { desk in
            for state in ["completed", "in_progress"] {
                let first = Order()
                try await store(first, state, in: desk)
                var second = first
                second.title = "another"
                let failure = try await failure(wait(for: [second]), desk)
                #expect(failure?.status == .failed && failure?.what == "1 of 1 did not complete")
                #expect(failure?.why?.contains("was refused as id_reused") == true)
                #expect(failure?.why?.contains(first.id.uuidString.lowercased()) == true)
                let both = try await wait(for: [first, second, first]).look(desk.database)
                #expect(both.completed == (state == "completed" ? 1 : 0) && both.reused == [first.id])
            }
        }
    }

    @Test func `an id cancelled before its message came has no body that could differ`() async throws {
        try await BudgetDesk.open { desk in
            let order = Order()
            _ = try await WorkOrderChange.cancel([order.id], who: "ann", reason: "x", in: desk.database)
            let now = try await wait(for: [order]).look(desk.database)
            #expect(now.unsuccessful == 1 && now.reused.isEmpty)
        }
    }
}
