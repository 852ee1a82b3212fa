internal import Logging
internal import Reporting
internal import Store

/// Takes over what operators set for this worker's lanes: pauses and weights. What a claim may start doesn't hang on it: the
/// claim judges pauses itself; this has what comes to a paused lane registered.
struct LaneFollower: Sendable {
    let lanes: [WorkerConfiguration.Lane]
    let store: Store
    let board: PoolBoard
    let reporter: Reporter
    let logger: Logger

    /// At once and each second.
    func run() async {
        let repeating = Repeating(
            "lanes", every: .seconds(1), startsAtOnce: true, problem: "the lanes were not looked at",
            reporter: reporter)
        await repeating.run {
            let states = try await store.lanes()
            for (index, lane) in lanes.enumerated() {
                let set = states.first { $0.name == lane.name }
                let isPaused = set?.isPaused ?? false
                let hasChanged = board.change { state in
                    state.follow(
                        lane: index, weight: set?.weight ?? lane.weight, isPaused: isPaused,
                        isLimited: set?.isLimited ?? false)
                }
                if hasChanged {
                    logger.info(isPaused ? "lane paused" : "lane resumed", metadata: ["lane": "\(lane.name)"])
                }
            }
        }
    }
}
