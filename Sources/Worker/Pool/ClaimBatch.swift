internal import AMQP
internal import FoundationEssentials
internal import Publisher
internal import Store
internal import WorkOrders

/// A delivery on its way into the database. Its claim's name stays, however often it is tried: what was granted and not
/// heard of is found again.
struct ClaimTry: Sendable {
    let taken: Taken
    let item: ClaimItem
    let claim: UUID

    var lane: Int { taken.lane }
}

/// What deliveries say, read for a claim, and what the claim's verdicts mean for them. Pure.
struct ClaimBatch: Sendable {
    /// Of distinct ids.
    private(set) var tries: [ClaimTry] = []
    /// What no order can be made of.
    private(set) var invalid: [(taken: Taken, why: InvalidMessage)] = []
    /// Second deliveries of an id: they wait for the next batch.
    private(set) var repeated: [Taken] = []

    init(_ taken: [Taken], reader: OrderReader) {
        let claim = UUID()
        tries.reserveCapacity(taken.count)
        var ids: Set<UUID> = Set(minimumCapacity: taken.count)
        for entry in taken {
            do throws(InvalidMessage) {
                let item = try reader.read(entry.delivery, lane: entry.lane)
                if ids.insert(item.id).inserted {
                    tries.append(ClaimTry(taken: entry, item: item, claim: claim))
                } else {
                    repeated.append(entry)
                }
            } catch {
                invalid.append((entry, error))
            }
        }
    }

    /// How old the oldest order is, by the ids that carry their time; nil: none does.
    func oldestAge(at now: Date) -> Duration? {
        var oldest: TimeInterval?
        for entry in tries {
            guard case .order = entry.item.form, let made = entry.item.id.timeOfMaking else { continue }
            oldest = max(oldest ?? 0, now.timeIntervalSince1970 - made)
        }
        // Older ones were made for another time than they were sent, or by a clock that is wrong.
        guard let oldest, oldest < 86_400 else { return nil }
        return .seconds(oldest)
    }

    /// What a claim's answer asks the worker to do.
    struct Meaning: Sendable {
        /// May run now; each has its slot.
        var orders: [(lane: Int, order: ClaimedOrder)] = []
        /// Lanes of those that don't run: a slot is free again for each.
        var freed: [Int] = []
        /// Decided by the commit: to be acknowledged.
        var answered: [Taken] = []
        /// Refused for their ids. They have their letters, but without the properties that came: acknowledged after those.
        var refused: [Taken] = []
        /// How many of each verdict, by its label.
        var counts = Tally()
        /// Events may have been left for the relay.
        var leavesWork = false
    }

    static func meaning(of verdicts: [ClaimVerdict], for tries: [ClaimTry]) -> Meaning {
        var meaning = Meaning()
        meaning.orders.reserveCapacity(tries.count)
        meaning.answered.reserveCapacity(tries.count)
        for (entry, verdict) in zip(tries, verdicts) {
            if verdict.isRefusedForItsID {
                meaning.refused.append(entry.taken)
            } else {
                meaning.answered.append(entry.taken)
            }
            switch verdict {
            case .run(let order): meaning.orders.append((entry.lane, order))
            case .duplicate: meaning.freed.append(entry.lane)
            case .later, .unknownKind, .overBudget, .invalid:
                meaning.freed.append(entry.lane)
                meaning.leavesWork = true
            }
        }
        for verdict in verdicts { meaning.counts.add(verdict.label) }
        return meaning
    }
}

extension UUID {
    /// Seconds since 1970 at which an id of version 7 was made; nil for others.
    fileprivate var timeOfMaking: TimeInterval? {
        guard uuid.6 >> 4 == 7 else { return nil }
        let bytes = [uuid.0, uuid.1, uuid.2, uuid.3, uuid.4, uuid.5]
        return TimeInterval(bytes.reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }) / 1000
    }
}
