internal import AMQP

/// A delivery in this worker's hands.
struct Taken: Sendable {
    /// The index of the lane it came from.
    let lane: Int
    let delivery: Delivery
}
