internal import Synchronization

/// What is told of processes while the group goes on: each in a task of its own, which the end of the group waits for.
final class Tellings: Sendable {
    private struct State {
        var tasks: [Int: Task<Void, Never>] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    /// Begins to tell. It is not cancelled with whoever asks for it.
    func start(_ tell: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            let number = state.next
            state.next += 1
            state.tasks[number] = Task {
                await tell()
                self.state.withLock { $0.tasks[number] = nil }
            }
        }
    }

    /// Waits for all that is being told; what takes longer is cancelled.
    func end(within limit: Duration) async {
        let tasks = state.withLock { Array($0.tasks.values) }
        guard !tasks.isEmpty else { return }
        let alarm = Task {
            do {
                try await Task.sleep(for: limit)
                for task in tasks { task.cancel() }
            } catch {
                // All came to their end in time.
            }
        }
        for task in tasks { await task.value }
        alarm.cancel()
    }
}
