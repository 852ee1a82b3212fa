import Testing

/// Looks again until a condition that the broker brings about holds, or twenty seconds have passed.
func eventually(
    _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.Instant.now + .seconds(20)
    while ContinuousClock.Instant.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record(comment, sourceLocation: sourceLocation)
}
