/// The outcome of an async body, so that what was opened can be closed first.
func asyncResult(_ body: () async throws -> Void) async -> Result<Void, any Error> {
    do {
        try await body()
        return .success(())
    } catch {
        return .failure(error)
    }
}
