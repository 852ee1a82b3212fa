internal import AMQP
internal import Messaging
internal import Operations
internal import Settings

/// Looks for lanes that `moose.yaml` doesn't have, or not any more, and that hold work: nobody will take it.
struct LaneChecks {
    let common: CommonOptions
    let settings: Settings

    /// Nothing where the servers are away or not set up: others tell of that.
    func findings() async -> [Finding] {
        do {
            let lanes = try await common.withDatabase { database in
                try await StrayLane.all(configured: settings.lanes.keys.sorted(), in: database)
            }
            guard !lanes.isEmpty else { return [] }
            var findings: [Finding] = []
            try await TopologyAccess.withPublisher(settings) { publisher in
                for lane in lanes {
                    let queued = try await publisher.queueStatistics(MooseTopology.workQueue(lane: lane.name))?.messages
                    guard lane.stored > 0 || queued ?? 0 > 0 else { continue }
                    findings.append(
                        .bad("lane \(lane.name)", Self.advice(lane.name, stored: lane.stored, queued: queued)))
                }
            }
            return findings
        } catch {
            // A server that is away or not set up is a finding of the other checks.
            return []
        }
    }

    static func advice(_ lane: String, stored: Int, queued: Int?) -> String {
        let queue = MooseTopology.workQueue(lane: lane)
        let found =
            "moose.yaml has no such lane, and no worker takes its work: \(NumberText.grouped(stored)) stored"
            + (queued.map { ", \(NumberText.grouped($0)) queued" } ?? ", and its queue \(queue) is gone")
        return found
            + ". Name the lane in moose.yaml again, run `moose topology apply` and a worker with `--lane \(lane):8`;"
            + " or `moose lanes rename \(lane) NEW` where it has another name now"
    }
}
