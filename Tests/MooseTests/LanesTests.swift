import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Testing

@testable import Moose

/// `moose lanes`, as an operator uses it.
struct LanesTests {
    @Test func `a lane is paused with a reason, listed, and resumed`() async throws {
        try await BudgetDesk.open { desk in
            let paused = try await desk.run(LanesPause.self, "llm", "--reason", "the provider is down")
            #expect(paused.text.hasPrefix("The lane llm is paused: none of its work starts."))
            #expect(paused.text.contains("No live worker serves it: check the spelling"))
            let again = try await desk.run(LanesPause.self, "llm", "--reason", "me too")
            #expect(again.text.contains("paused already") && again.text.contains("the provider is down"))

            let list = try await desk.run(LanesList.self)
            #expect(list.text.contains("llm") && list.text.contains("the pr"), "cut to the width of the terminal")
            #expect(list.text.contains(try Who.name()))
            guard case .array(let lanes) = list.json, case .object(let lane)? = lanes.first else {
                Issue.record("no lane in \(list.json)")
                return
            }
            #expect(lane["name"] == .string("llm") && lane["held"] == .integer(0))

            #expect(try await desk.run(LanesResume.self, "llm").text.hasPrefix("The lane llm goes on"))
            let already = try await desk.run(LanesResume.self, "llm")
            #expect(already.text.hasPrefix("The lane llm is not paused.") && already.status == .ok)
            #expect(already.text.contains("check the spelling"))
            #expect(try await desk.count("moose.audit_log WHERE subject = 'lane llm'") == 2)
        }
    }

    @Test func `an order that is held back says by what, and who paused it`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.run(LanesPause.self, "llm", "--reason", "the provider is down")
            let id = UUID()
            _ = try await desk.database.run(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                VALUES (\(id), 'pending', 'work', 'llm', 't', now(), '{}', '')
                """)
            _ = try await desk.database.run(
                """
                INSERT INTO moose.gate_waits (work_order_id, gate, reason, since)
                VALUES (\(id), 'lane llm', 'paused', now())
                """)
            let story = try #require(try await WorkOrderStory.load(id, from: desk.database))
            let held = try #require(story.timeLine.first { $0.what == "held back" })
            #expect(held.detail.hasPrefix("lane llm: paused, by ") && held.detail.hasSuffix(": the provider is down"))
            guard case .array(let lanes) = try await desk.run(LanesList.self).json,
                case .object(let lane)? = lanes.first
            else {
                Issue.record("no lane")
                return
            }
            #expect(lane["held"] == .integer(1))
        }
    }

    @Test func `limits are set one at a time, and none takes them away`() async throws {
        try await BudgetDesk.open { desk in
            let set = try await desk.run(LanesSet.self, "llm", "--concurrency", "20", "--rate", "100/minute")
            #expect(set.text.hasPrefix("The lane llm: weight of moose.yaml, at most 20 at once, at most 100/minute."))
            try await desk.run(LanesSet.self, "llm", "--weight", "3")
            let less = try await desk.run(LanesSet.self, "llm", "--rate", "none", "--reason", "quota raised")
            #expect(less.text.hasPrefix("The lane llm: weight 3, at most 20 at once, no rate."))
            #expect(try await desk.count("moose.audit_log WHERE action = 'lane set'") == 3)
        }
    }

    @Test(arguments: [
        ["llm"], ["llm", "--weight", "101"], ["llm", "--concurrency", "0"], ["llm", "--rate", "100"],
        ["llm", "--rate", "many/minute"], [],
    ])
    func `what makes no sense is refused before anything is connected`(arguments: [String]) {
        #expect(throws: (any Error).self) { _ = try LanesSet.parseAsRoot(arguments) }
    }

    @Test(arguments: [
        ("--rate", "5/day", "then /second, /minute or /hour"), ("--rate", "-5/minute", "a whole number up to 1000000"),
        ("--weight", "101", "a whole number from 1 to 100, or none"),
        ("--concurrency", "-1", "a whole number from 1 to 1000000, or none"),
    ])
    func `a wrong limit is told why, and what is allowed`(option: String, value: String, words: String) {
        let error = #expect(throws: (any Error).self) { try LanesSet.parse(["llm", option, value]) }
        let text = error.map { LanesSet.message(for: $0) } ?? ""
        #expect(text.contains(words), "\(text)")
    }

    @Test func `no lane can have such a name, and a pause needs a reason`() async throws {
        try await BudgetDesk.open { desk async throws in
            #expect(await desk.failure(LanesPause.self, "No Lane", "--reason", "x")?.status == .usage)
            #expect(await desk.failure(LanesPause.self, "llm", "--reason", " ")?.status == .usage)
            #expect(try await desk.count("moose.lanes") == 0)
        }
    }
}
