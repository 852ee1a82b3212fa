internal import AMQP
internal import Logging
internal import Messaging
internal import Reporting
internal import Store

/// The safety net against lost wake-ups: fifty pieces each time, and on from there the next.
struct Sweeper: Sendable {
    let configuration: WorkerConfiguration
    let store: Store
    let publisher: AMQPPublisher
    let reporter: Reporter
    let logger: Logger

    func run() async {
        var places: [String: SweepPlace] = [:]
        let repeating = Repeating(
            "sweep", every: configuration.sweep, problem: "the sweep was left out", reporter: reporter)
        await repeating.run {
            // First: whatever the sweep meets is not its matter.
            await tidy()
            let rung = try await store.sweep(idleLanes: await idleLanes(), places: &places, pieces: 50)
            if rung > 0 { logger.info("rang again", metadata: ["work_orders": "\(rung)"]) }
        }
    }

    /// Lanes with nothing in their queues. A broker that doesn't answer leaves its lanes out; all else is swept.
    private func idleLanes() async -> [String] {
        var idle: [String] = []
        for lane in configuration.lanes {
            let queue = MooseTopology.workQueue(lane: lane.name)
            if case .some(.some(let queued)) = try? await publisher.queueStatistics(queue), queued.messages == 0 {
                idle.append(lane.name)
            }
        }
        return idle
    }

    private func tidy() async {
        do {
            _ = try await store.tidy()
        } catch {
            reporter.report("sweep", "nobody tidied up", error: error)
        }
    }
}
