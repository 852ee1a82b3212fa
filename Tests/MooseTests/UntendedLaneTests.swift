import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Settings
import TestSupport
import Testing

@testable import Moose

/// A lane with work and no worker, as an operator is told of it.
struct UntendedLaneTests {
    @Test func `lanes list and status name it, with what it holds`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.database.runSimple(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT gen_random_uuid(), 'pending', 'work', 'llm', 't', now(), '{}', '' FROM generate_series(1, 2);
                INSERT INTO moose.untended_lanes (name, stored, queued) VALUES ('llm', 1, 3)
                """)
            let list = try await desk.run(LanesList.self)
            #expect(list.text.contains("WITHOUT A WORKER") && list.text.contains("2 stored, 3 queued"))
            guard case .array(let lanes) = list.json, case .object(let lane)? = lanes.first,
                case .object(let untended)? = lane["untended"]
            else {
                Issue.record("no lane in \(list.json)")
                return
            }
            #expect(untended["stored"] == .count(2) && untended["queued"] == .count(3))
            let status = try await SystemStatus.load(from: desk.database)
            #expect(status.untended.map(\.name) == ["llm"] && status.untended.first?.load == "2 stored, 3 queued")

            try await desk.database.runSimple(
                """
                INSERT INTO moose.workers (id, host, pid, version, lanes, kinds, slots)
                VALUES (gen_random_uuid(), 'h', 1, '1', ARRAY['llm'], ARRAY['work'], 1)
                """)
            #expect(try await desk.run(LanesList.self).text.contains("WITHOUT A WORKER") == false)
            #expect(try await SystemStatus.load(from: desk.database).untended.isEmpty)
        }
    }

    @Test func `the doctor's advice names the lane, its work, and whether its queue is there`() {
        let queued = LaneChecks.advice("llm", stored: 2, queued: 3)
        #expect(queued.contains("moose.yaml has no such lane") && queued.contains("2 stored, 3 queued"))
        #expect(LaneChecks.advice("llm", stored: 2, queued: nil).contains("its queue moose.work.llm is gone"))
    }
}
