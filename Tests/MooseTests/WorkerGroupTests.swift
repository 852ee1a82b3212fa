import ArgumentParser
import Probes
import Testing
import Worker

@testable import Moose

struct WorkerGroupTests {
    private static let start = ContinuousClock.now

    @Test func `bounds and memory on the command line are read or refused`() {
        #expect(AutoscaleArgument(argument: "1:4")?.bounds == 1...4)
        #expect(AutoscaleArgument(argument: "3:3")?.bounds == 3...3)
        for wrong in ["", "4", "4:1", "0:4", "1:257", "1:4:5", "a:b", "-1:4"] {
            #expect(AutoscaleArgument(argument: wrong) == nil, "\(wrong)")
        }
        #expect(ByteSizeArgument(argument: "500MB")?.bytes == 500_000_000)
        #expect(ByteSizeArgument(argument: "500") == nil)
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
