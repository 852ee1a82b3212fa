/// One lane: a queue of its own, so that slow work never stands in front of quick work.
package struct LaneSettings: Sendable, Equatable {
    /// The share of a worker's slots this lane gets next to the other lanes' weights. Default 1, from 1 to 100.
    /// Key `weight`.
    package var weight: Int

    /// A lane of that weight.
    package init(weight: Int = 1) {
        self.weight = weight
    }
}

extension LaneSettings {
    /// The key the lanes stand under, each under its name.
    static let key = "lanes"

    /// The lanes that the block names; mistakes are noted, and a wrong lane is left out.
    static func lanes(in section: Section) -> [String: LaneSettings] {
        var lanes: [String: LaneSettings] = [:]
        for (name, field) in section.named("lane", NameRule.laneRule, where: NameRule.isLane) {
            guard let lane = LaneSettings(field) else { continue }
            lanes[name] = lane
        }
        if lanes.isEmpty { section.fail("names no lane: add one, or leave the key out for the lane default") }
        return lanes
    }

    /// What the entry says; nil, with a mistake noted, where it is no block.
    private init?(_ field: Field) {
        guard let section = Section(field)?.knowing(["weight"]) else { return nil }
        self.init(weight: section["weight"]?.integer(in: 1...100) ?? 1)
    }

    var shown: ShownValue {
        .block([("weight", .integer(weight))])
    }
}
