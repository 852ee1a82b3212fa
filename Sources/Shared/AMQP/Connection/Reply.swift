internal import IOThread

/// The way back from an I/O thread to the task that asked. Answer it exactly once.
struct Reply<Value: Sendable>: Sendable {
    private let continuation: CheckedContinuation<Result<Value, AMQPError>, Never>

    init(_ continuation: CheckedContinuation<Result<Value, AMQPError>, Never>) {
        self.continuation = continuation
    }

    func succeed(_ value: Value) { continuation.resume(returning: .success(value)) }
    func fail(_ error: AMQPError) { continuation.resume(returning: .failure(error)) }
    func resolve(_ result: Result<Value, AMQPError>) { continuation.resume(returning: result) }
}

extension Reply where Value == Void {
    func succeed() { succeed(()) }
}

extension Mailbox {
    /// Posts a command and suspends until the thread has answered.
    /// - Parameter onCancel: posted when the waiting task is cancelled; must make the thread answer soon.
    /// - Throws: the answer, or ``AMQPError/closed`` when the thread takes no more commands.
    func ask<Value: Sendable>(
        onCancel: Command? = nil, _ make: (Reply<Value>) -> Command
    ) async throws(AMQPError) -> Value {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let reply = Reply<Value>(continuation)
                if !post(make(reply)) {
                    reply.fail(.closed)
                } else if let onCancel, Task.isCancelled {
                    // The handler may have run before the command was in the box; then its own command came too early.
                    post(onCancel)
                }
            }
        } onCancel: {
            if let onCancel { post(onCancel) }
        }
        return try result.get()
    }
}
