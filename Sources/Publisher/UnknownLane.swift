/// No queue exists for a lane: publishing to it would end in the dead letters.
package struct UnknownLane: Error, Equatable, Sendable, CustomStringConvertible {
    package let lane: String

    package init(lane: String) { self.lane = lane }

    package var description: String {
        "the lane \(lane) has no queue; name it under `lanes` in moose.yaml and run `moose topology apply`"
    }
}
