/// One request of a serial history.
enum Step: Sendable {
    case batch(Batch)
    /// Through `moose.reserve_batch`, as a claim does.
    case direct(Batch)
    /// Through `moose.simulate_reservation`.
    case simulation(Int64, WorkPath)
    case operation(Operation)
}
