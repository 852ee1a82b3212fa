/// One lane: a queue of its own, so that slow work never stands in front of quick work.
package struct LaneSettings: Sendable, Equatable {
    /// The share of a worker's slots this lane gets next to the other lanes' weights. Default 1, from 1 to 100.
    package var weight: Int

    /// A lane of that weight.
    package init(weight: Int = 1) {
        self.weight = weight
    }
}
