import ArgumentParser
import Probes
import Testing
import Worker

@testable import Moose

struct WorkerGroupTests {
    private static let start = ContinuousClock.now

    @Test func `bounds, memory and slots on the command line are read`() throws {
        #expect(try AutoscaleArgument(parsing: "1:4").bounds == 1...4)
        #expect(try AutoscaleArgument(parsing: "3:3").bounds == 3...3)
        #expect(try ByteSizeArgument(parsing: "500MB").bytes == 500_000_000)
        let lane = try LaneArgument(parsing: "llm:8").lane
        #expect(lane.name == "llm" && lane.slots == 8)
        #expect(try LaneArgument(parsing: "llm").lane.slots == 4)
    }

    @Test(arguments: [
        ("--autoscale", "", "two whole numbers such as 1:8"), ("--autoscale", "4", "two whole numbers such as 1:8"),
        ("--autoscale", "1:4:5", "two whole numbers"), ("--autoscale", "a:b", "two whole numbers"),
        ("--autoscale", "3:2", "MIN is above MAX"), ("--autoscale", "0:4", "MIN and MAX go from 1 to 256"),
        ("--autoscale", "1:257", "MIN and MAX go from 1 to 256"),
        ("--autoscale", "-1:4", "MIN and MAX go from 1 to 256"),
        ("--max-rss", "1MB", "from 16MB to 16000GB, such as 500MB"), ("--max-rss", "-500MB", "from 16MB to 16000GB"),
        ("--lane", "llm:0", "SLOTS is a whole number from 1 to 10000"), ("--lane", "a:1:2", "NAME:SLOTS"),
        ("--lane", "No Lane", "the lane's name must match"), ("--processes", "-1", "from 1 to 256"),
        ("--drain-timeout", "-1", "from 0 to 86400 seconds"),
    ])
    func `a wrong value is told why, and what is allowed`(option: String, value: String, words: String) {
        let error = #expect(throws: (any Error).self) { try WorkerCommand.parse([option, value]) }
        let text = error.map { WorkerCommand.message(for: $0) } ?? ""
        #expect(text.contains(words), "\(text)")
    }

    @Test func `a fixed number and a number that follows the work exclude each other`() {
        for arguments in [["--processes", "2", "--autoscale", "1:4"], ["--processes", "0"], ["--autoscale", "4:1"]] {
            #expect(throws: (any Error).self) { try WorkerCommand.parse(arguments) }
        }
        #expect(throws: Never.self) { try WorkerCommand.parse(["--autoscale", "1:4", "--max-rss", "500MB"]) }
    }

    @Test func `a parent is ready while one process works and none is silent, in trouble or in a crash loop`() {
        var terms = FleetTerms(processes: 2)
        terms.loopAfter = 1
        var fleet = FleetState(terms)
        _ = fleet.begin(at: Self.start)
        #expect(failing(fleet, after: 0) == ["processes"])
        let good = ProcessReport(port: 1, ready: true)
        _ = fleet.reported(1, good, at: Self.start)
        #expect(failing(fleet, after: 1).isEmpty)
        _ = fleet.reported(2, ProcessReport(port: 2, ready: true, trouble: "no broker"), at: Self.start)
        #expect(failing(fleet, after: 1) == ["process 2"])
        _ = fleet.reported(2, good, at: Self.start + .seconds(9))
        #expect(failing(fleet, after: 11) == ["process 1"])
        _ = fleet.reported(1, good, at: Self.start + .seconds(11))
        _ = fleet.ended(2, .killed(signal: 9), at: Self.start + .seconds(12))
        #expect(failing(fleet, after: 12) == ["process 2"])
        #expect(fleet.checks(at: Self.start).contains { $0.detail == "crash loop: it was killed by signal 9" })
    }

    private func failing(_ fleet: FleetState, after seconds: Int) -> [String] {
        fleet.checks(at: Self.start + .seconds(seconds)).filter { !$0.isReady }.map(\.name)
    }
}
