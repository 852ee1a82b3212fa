internal import Synchronization

/// The one place of a worker's state. Every change goes through ``change(_:)``, which wakes whoever has something to do
/// because of it: nobody can free a slot and forget to ring.
final class PoolBoard: Sendable {
    private let state: Mutex<PoolState>
    /// Attempts that have just ended. Each change of the state takes them over first.
    private let ended = Mutex<[FinishTry]>([])
    private let claims = Bell()
    private let finishes = Bell()
    private let registrations = Bell()
    private let line = Bell()

    init(lanes: [WorkerConfiguration.Lane]) { state = Mutex(PoolState(lanes: lanes)) }

    /// Something may be claimable. For one listener.
    var claimRings: AsyncStream<Void> { claims.rings }
    /// An end waits to be written. For one listener.
    var finishRings: AsyncStream<Void> { finishes.rings }
    /// Deliveries are to be registered. For one listener.
    var registrationRings: AsyncStream<Void> { registrations.rings }
    /// Slots are free for what may wait in the line. For one listener.
    var lineRings: AsyncStream<Void> { line.rings }

    func change<Result: Sendable>(_ body: (inout PoolState) -> Result) -> Result {
        let (result, wakes) = state.withLock { state in
            takeOver(&state)
            let result = body(&state)
            return (result, state.takeWakes())
        }
        if wakes.contains(.claims) { claims.ring() }
        if wakes.contains(.finishes) { finishes.ring() }
        if wakes.contains(.registrations) { registrations.ring() }
        if wakes.contains(.line) { line.ring() }
        return result
    }

    func look<Result: Sendable>(_ body: (PoolState) -> Result) -> Result {
        state.withLock { state in
            takeOver(&state)
            return body(state)
        }
    }

    /// A job has ended. Hundreds end while as many are started: none of them waits for whoever changes the state.
    func end(_ finish: FinishTry) {
        let isFirst = ended.withLock { list in
            list.append(finish)
            return list.count == 1
        }
        if isFirst { finishes.ring() }
    }

    private func takeOver(_ state: inout PoolState) {
        let list = ended.withLock { list in
            guard !list.isEmpty else { return [FinishTry]() }
            defer { list = [] }
            return list
        }
        for finish in list { state.end(finish) }
    }

    /// - Returns: whether it became so within the limit; false also when the task was cancelled.
    func becomes(within limit: Duration? = nil, _ condition: (PoolState) -> Bool) async -> Bool {
        let deadline = limit.map { ContinuousClock.now + $0 }
        while !look(condition) {
            if let deadline, .now >= deadline { return false }
            do { try await Task.sleep(for: .milliseconds(20)) } catch {
                // Cancelled: nobody waits for it any more.
                return look(condition)
            }
        }
        return true
    }
}
