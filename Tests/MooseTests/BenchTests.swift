import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Testing
import WorkOrders

@testable import Moose

/// What `moose bench` makes of what it measured; nothing here measures.
struct BenchTests {
    private func fields(_ value: JSONValue) throws -> [String: JSONValue] {
        guard case .object(let fields) = value else { throw Mistaken() }
        return fields
    }

    private func items(_ value: JSONValue?) throws -> [JSONValue] {
        guard case .array(let items)? = value else { throw Mistaken() }
        return items
    }

    @Test func `a measure shows its median, and its spread in the unit that its keys name`() throws {
        var measure = BenchMeasure("CPU a job", unit: "us", places: 2)
        for value in [24.0, 20, 22] { measure.add(value) }
        let json = try fields(measure.json)
        #expect(json["median_us"] == .string("22.00") && json["lowest_us"] == .string("20.00"))
        #expect(json["highest_us"] == .string("24.00") && json["spread"] == .string("0.182"))
        #expect(json["rounds_us"] == .array([.string("24.00"), .string("20.00"), .string("22.00")]))
        let lines = BenchMeasure.table("MEASURE", [measure]).text(for: BudgetDesk.ascii).split(separator: "\n")
        #expect(lines.count == 2 && lines[1].split(separator: " ").suffix(5) == ["22.00", "20.00", "24.00", "18", "%"])
    }

    @Test func `what was measured beside a rate stands in both reports, and a rate alone has no empty table`() throws {
        var report = BenchReport("T", figure: BenchFigure("ours"), reference: BenchFigure("theirs"))
        report.figure.add(10)
        report.reference.add(5)
        #expect(!report.text(for: BudgetDesk.ascii).contains("IN ITS ROUNDS"))
        report.measures = [BenchMeasure("CPU a job", unit: "us", places: 2)]
        #expect(report.text(for: BudgetDesk.ascii).contains("CPU a job"))
        let json = try fields(report.json)
        #expect(try items(json["measures"]).count == 1 && json["ratio"] == .string("2.000"))
    }

    @Test func `latencies of each situation keep apart, and the slowest of all is told`() throws {
        var report = LatencyReport("T")
        let hundred = (1...100).map { Double($0) }
        report.add("idle", hundred)
        report.add("1,000 a second", hundred.map { $0 * 10 })
        report.add("idle", hundred.map { $0 + 2 })
        report.checks = [BenchCheck(name: "completed", round: 2, expected: 200, found: 199)]
        let json = try fields(report.json)
        let measures = try items(json["latency"]).map { try fields($0) }
        let names =
            ["p50", "p99", "max"].map { "idle, \($0)" } + ["p50", "p99", "max"].map { "1,000 a second, \($0)" }
        #expect(measures.compactMap { $0["name"] } == names.map { JSONValue.string($0) })
        let medians = ["52.000", "101.000", "101.000", "510.000", "1000.000", "1000.000"]
        #expect(measures.compactMap { $0["median_ms"] } == medians.map { JSONValue.string($0) })
        #expect(json["passes"] == .bool(false))
        #expect(report.text(for: BudgetDesk.ascii).contains("DIFFERS in round 2"))
    }

    @Test func `the HOT share is that of the round, not of all that was before`() {
        let before = OrderUpdates(all: 1000, hot: 0)
        #expect(OrderUpdates(all: 1200, hot: 150).hotShare(since: before) == 75)
        #expect(before.hotShare(since: before) == 0)
    }

    @Test(arguments: [
        ["latency", "--rate", "0"], ["latency", "--seconds", "601"], ["latency", "--rounds", "0"],
        ["latency", "--rate", "20000", "--seconds", "51"], ["latency", "--rate", "20001"], ["work", "--preload", "-1"],
        ["work", "--preload", "50000001"],
    ])
    func `a measurement that can't be made is wrong use`(arguments: [String]) throws {
        let error = #expect(throws: (any Error).self) { try BenchCommand.parseAsRoot(arguments) }
        #expect(BenchCommand.exitCode(for: try #require(error)) == .validationFailure)
    }

    @Test func `finished orders leave the books right, and the tables as strict as they were`() async throws {
        // The desk itself asks whether every bucket agrees with its holds and its ledger.
        try await BudgetDesk.open { desk in
            var told: [String] = []
            try await FinishedOrders(count: 25, piece: 10).insert(into: desk.database) { told.append($0) }
            #expect(told == ["25 of 25 finished orders inserted.", "Tables vacuumed."])
            for table in ["work_orders", "outcome_vectors", "budget_holds", "cost_tracking"] {
                #expect(try await desk.count("moose.\(table)") == 25, "\(table)")
            }
            #expect(
                try await desk.value(
                    """
                    SELECT count(*) FROM moose.work_orders w
                    JOIN moose.outcome_vectors v ON (v.work_order_id, v.fencing_token) = (w.id, w.fencing_token)
                    JOIN moose.budget_holds h ON (h.owner, h.token) = (w.id, w.fencing_token)
                    JOIN moose.cost_tracking c ON (c.owner, c.token) = (h.owner, h.token)
                    WHERE w.state = 'completed' AND octet_length(w.body) = \(BenchOrders.bodyBytes)
                      AND w.finished_at < now() - interval '59 days'
                      AND convert_from(w.body, 'UTF8')::jsonb ->> 'id' = w.id::text
                    """, as: Int64.self) == 25)
            #expect(try await desk.count("moose.live_set_differences()") == 0)
            #expect(
                try await desk.value("SELECT sum(posted_u)::bigint FROM moose.budget_buckets", as: Int64.self)
                    == 2 * 25 * BenchOrders.cost.microdollars)
            let error = await #expect(throws: PostgresError.self) {
                try await desk.database.runSimple(
                    """
                    INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                    VALUES (gen_random_uuid(), 'completed', 'noop', 'default', 't', now(), '{}', '\\x01')
                    """)
            }
            #expect("\(try #require(error))".contains("invalid state transition"))
        }
    }
}

private struct Mistaken: Error {}
