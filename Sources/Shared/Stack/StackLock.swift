internal import Glibc

/// Lets one process at a time start or stop a stack. The kernel gives the lock back when its holder dies.
enum StackLock {
    /// Waits for the lock, runs the body and gives the lock back.
    /// - Throws: ``StackError/busy(lock:)`` when somebody else has it for two minutes; whatever the body throws.
    static func hold<Result: Sendable>(in folder: String, _ body: () async throws -> Result) async throws -> Result {
        let path = StackLayout.lock(in: folder)
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StackError.folderUnusable(path: path, reason: "It could not be opened (errno \(errno))")
        }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + .seconds(120)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < deadline else { throw StackError.busy(lock: path) }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await body()
    }
}
