internal import IOThread

extension Mailbox<Command> {
    /// Posts a request and waits for its answer, or for the cancellation of the calling task.
    ///
    /// - Parameter shielded: true ignores cancellation, for what must be said whatever happens.
    func ask(
        _ request: Request, shielded: Bool = false, as command: (Request) -> Command
    ) async throws(PostgresError) -> Request.Answer {
        let command = command(request)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                request.attach(continuation)
                if !post(command) { request.answer(.failure(.closed)) }
            }
        } onCancel: {
            guard !shielded else { return }
            request.cancel()
            post(.abandon(request))
        }
        return try answer.get()
    }
}

extension Request.Answer {
    /// The result of a statement.
    var result: PostgresResult {
        get throws(PostgresError) {
            guard case .result(let result) = self else { throw .closed }
            return result
        }
    }
}
