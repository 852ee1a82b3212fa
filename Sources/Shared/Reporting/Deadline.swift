internal import IOThread

/// Runs the body for at most so long; then cancels it.
/// - Throws: what the body throws; ``DeadlineExceeded``.
func withDeadline(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await body() }
        group.addTask {
            try await Deadlines.shared.sleep(for: limit)
            throw DeadlineExceeded(limit: limit)
        }
        try await group.next()
    }
}

/// No answer in time; whether it was done all the same is unknown.
struct DeadlineExceeded: Error, CustomStringConvertible {
    let limit: Duration

    var description: String { "no answer within \(limit)" }
}
