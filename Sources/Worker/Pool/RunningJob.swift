internal import WorkOrders

/// The task that runs one attempt, and the ways to stop it.
struct RunningJob: Sendable {
    let task: Task<Void, Never>
    let cancelFlag: CancelFlag

    /// The worker stops, or the lease is lost: the handler gets its grace.
    func cancel() { task.cancel() }

    /// Somebody cancelled the order.
    func cancelOrder() {
        cancelFlag.set()
        task.cancel()
    }
}
