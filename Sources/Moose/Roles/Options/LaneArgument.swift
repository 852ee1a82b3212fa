internal import ArgumentParser
internal import WorkOrders
internal import Worker

/// `NAME:SLOTS`, such as `default:8`; without slots, 4.
struct LaneArgument {
    let lane: WorkerConfiguration.Lane

    init(parsing text: String) throws(ValidationError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw ValidationError("it should be NAME:SLOTS, such as llm:8") }
        let name: String
        do {
            name = try FieldRule.lane.check(String(parts[0]), "the lane's name")
        } catch {
            throw ValidationError(error.explanation)
        }
        let slots = parts.count == 2 ? Int(parts[1]) : 4
        guard let slots, (1...10_000).contains(slots) else {
            throw ValidationError("SLOTS is a whole number from 1 to 10000")
        }
        lane = WorkerConfiguration.Lane(name: name, slots: slots)
    }
}
