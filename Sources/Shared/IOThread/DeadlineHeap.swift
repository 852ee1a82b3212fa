/// Deadlines by their order, each under a number. Pure; adding and taking out cost the logarithm of what is in it.
struct DeadlineHeap {
    private struct Entry {
        let deadline: ContinuousClock.Instant
        let number: UInt64
    }

    private var entries: [Entry] = []
    /// Where each number stands in `entries`.
    private var positions: [UInt64: Int] = [:]

    var count: Int { entries.count }
    var earliest: ContinuousClock.Instant? { entries.first?.deadline }

    /// How many are later than this.
    func count(after moment: ContinuousClock.Instant) -> Int { entries.count { $0.deadline > moment } }

    mutating func insert(_ number: UInt64, at deadline: ContinuousClock.Instant) {
        entries.append(Entry(deadline: deadline, number: number))
        positions[number] = entries.count - 1
        rise(entries.count - 1)
    }

    /// Takes one out before its time; one that isn't there is none.
    mutating func remove(_ number: UInt64) {
        guard let position = positions.removeValue(forKey: number) else { return }
        let last = entries.removeLast()
        guard position < entries.count else { return }
        put(last, position)
        rise(position)
        sink(position)
    }

    /// Takes out the earliest one whose time has come.
    mutating func takeDue(at now: ContinuousClock.Instant) -> UInt64? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        remove(first.number)
        return first.number
    }

    private mutating func put(_ entry: Entry, _ position: Int) {
        entries[position] = entry
        positions[entry.number] = position
    }

    private mutating func swap(_ one: Int, _ other: Int) {
        let entry = entries[one]
        put(entries[other], one)
        put(entry, other)
    }

    private mutating func rise(_ start: Int) {
        var position = start
        while position > 0 {
            let parent = (position - 1) / 2
            guard entries[position].deadline < entries[parent].deadline else { return }
            swap(position, parent)
            position = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var position = start
        while true {
            var least = position
            for child in [2 * position + 1, 2 * position + 2]
            where child < entries.count && entries[child].deadline < entries[least].deadline {
                least = child
            }
            guard least != position else { return }
            swap(position, least)
            position = least
        }
    }
}
