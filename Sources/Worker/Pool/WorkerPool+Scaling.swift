internal import FoundationEssentials
internal import Telemetry

extension WorkerPool {
    /// What a supervisor and an autoscaler want to know of each lane here.
    package var laneReports: [String: ProcessReport.Lane] {
        board.look { state in
            Dictionary(
                state.lanes.map { ($0.name, .init(running: $0.running, slots: $0.slots, waiting: $0.waiting.count)) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    /// How this process is, for its parent.
    ///
    /// - Parameter port: that of its probes.
    package func report(port: Int) -> ProcessReport {
        ProcessReport(
            port: port, ready: isReady, trouble: trouble,
            residentBytes: ProcessMetrics.residentBytes().map { Int64($0) } ?? 0,
            claimedAge: claimedAge.map { $0 / .seconds(1) }, lanes: laneReports)
    }

    /// How old the orders of the latest claim were when it began, if that was in the last five seconds, and so about how
    /// old the next ones in the queue are. Only ids that carry their time count.
    package var claimedAge: Duration? {
        guard let latest = board.look(\.claimedAge), .now - latest.at < .seconds(5) else { return nil }
        return latest.age + (.now - latest.at)
    }
}
