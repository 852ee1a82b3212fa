internal import ArgumentParser
internal import WorkOrders
internal import Worker

/// `NAME:SLOTS`, such as `default:8`; without slots, 4.
struct LaneArgument: ExpressibleByArgument {
    let lane: WorkerConfiguration.Lane

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = try? FieldRule.lane.check(String(parts[0]), "lane") else { return nil }
        let slots = parts.count == 2 ? Int(parts[1]) : 4
        guard let slots, (1...10_000).contains(slots) else { return nil }
        lane = WorkerConfiguration.Lane(name: name, slots: slots)
    }
}
