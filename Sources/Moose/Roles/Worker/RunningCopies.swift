internal import Glibc
internal import Synchronization

/// The processes this one supervises, so that whoever has no patience with it needs none with them.
final class RunningCopies: Sendable {
    static let shared = RunningCopies()

    private let processes = Mutex<Set<pid_t>>([])

    func insert(_ process: pid_t) { _ = processes.withLock { $0.insert(process) } }

    func remove(_ process: pid_t) { _ = processes.withLock { $0.remove(process) } }

    /// Each had its first signal: with this one it stops at once.
    func stopAtOnce() {
        for process in processes.withLock({ $0 }) { kill(process, SIGTERM) }
    }
}
