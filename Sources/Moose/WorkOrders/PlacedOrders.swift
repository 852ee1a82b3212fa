internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import WorkOrders

/// Which orders get another place, and how that is told: the same for lanes, priorities and times.
struct PlacedOrders: ParsableArguments {
    @Argument(help: ArgumentHelp("The ids of the work orders.", valueName: "id"))
    var identifiers: [String] = []

    @Option(help: "Those in this state.")
    var state: WorkOrderState?

    @Option(help: "Those of this kind.")
    var kind: String?

    @Option(help: "Those that wait in this lane.")
    var lane: String?

    @Option(help: "Those of this project.")
    var project: String?

    @Option(help: "Those of this agent.")
    var agent: String?

    @Option(parsing: .unconditional, help: "With filters: no more than so many, the oldest first.")
    var limit: Int?

    @Flag(help: "With filters: do it, not only count.")
    var yes = false

    @Option(help: ArgumentHelp("Why; the audit log keeps it.", valueName: "text"))
    var reason: String?

    @OptionGroup var common: CommonOptions

    private var filter: WorkOrderFilter {
        WorkOrderFilter(state: state?.rawValue, kind: kind, lane: lane, project: project, agent: agent)
    }

    func validate() throws {
        guard identifiers.isEmpty != filter.isEmpty else {
            throw ValidationError("State either ids or filters (--state, --kind, --lane, --project, --agent).")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    /// - Parameter words: what has become of one that was changed, such as `waits in the lane models`.
    func give(_ place: WorkOrderPlace, words: String) async throws {
        let reason = try reason.map { try ReasonArgument.parse($0) }
        let who = try Who.name()
        guard !identifiers.isEmpty else { return try await giveMatching(place, who, reason, words) }
        let ids = try identifiers.map {
            try IdentifierArgument.parse($0, of: "a work order", listedBy: "moose work-orders list")
        }
        let changes = try await common.withDatabase { database in
            try await WorkOrderChange.inPieces(ids) {
                try await place.give(to: $0, who: who, reason: reason, in: database)
            }
        }
        try WorkOrderChangeText.show(changes, common) { change in
            if change.isChanged { return (words, false) }
            return switch change.before {
            case "unknown": ("is not in the database (yet): it was never published, or is on its way", true)
            case "awaiting_budget": ("waits for money, whatever its time: raise the budget, or cancel it", true)
            default: ("is \(change.before): only what waits can be given another place", true)
            }
        }
    }

    private func giveMatching(_ place: WorkOrderPlace, _ who: String, _ reason: String?, _ words: String) async throws {
        let (count, changed) = try await common.withDatabase { database in
            let count = try await filter.countWaiting(in: database)
            guard yes else { return (count, Int?.none) }
            return (count, try await place.give(to: filter, limit: limit, who: who, reason: reason, in: database))
        }
        if common.json {
            print(
                try JSONOutput.text(["matching": .count(count), "changed": .count(changed ?? 0)] as JSONValue),
                terminator: "")
        } else if let changed {
            print("\(changed) of \(count): each \(words).")
        } else {
            let some = limit.map { $0 < count ? ", and the oldest \($0) would be changed" : "" } ?? ""
            print("\(count) match\(some). Nothing is changed yet: add --yes.")
        }
    }
}
