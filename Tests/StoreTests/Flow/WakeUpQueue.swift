import FoundationEssentials
import Store
import TestSupport

/// What is on its way, and what runs, in one history: the broker and the slots of its workers.
struct WakeUpQueue {
    struct Run {
        let id: UUID
        let token: Int64
    }

    var messages: [ClaimItem] = []
    var running: [Run] = []
    /// Named as a dependency, or published.
    var known: [UUID] = []
    /// Named as a dependency before they are published.
    var planned: [UUID] = []

    /// Takes some messages with distinct ids, in any order.
    mutating func takeMessages(upTo limit: Int, using generator: inout SplitMix64) -> [ClaimItem] {
        var taken: [ClaimItem] = []
        messages.shuffle(using: &generator)
        for _ in 0..<min(limit, messages.count) {
            let next = messages.removeLast()
            if taken.contains(where: { $0.id == next.id }) { messages.insert(next, at: 0) } else { taken.append(next) }
        }
        return taken
    }

    mutating func takeRunning(upTo limit: Int, using generator: inout SplitMix64) -> [Run] {
        running.shuffle(using: &generator)
        let taken = Array(running.suffix(limit))
        running.removeLast(taken.count)
        // One item of a batch for each order.
        var ids: Set<UUID> = []
        for run in taken where !ids.insert(run.id).inserted { running.append(run) }
        return taken.reduce(into: []) { runs, run in
            if !runs.contains(where: { $0.id == run.id }) { runs.append(run) }
        }
    }
}
