package import Testing

/// Waits until something becomes true that happens elsewhere: in a server, another process, another task.
///
/// - Parameters:
///   - what: completes "it never became true that …" in the failure; read only then, so it may say what was seen last.
///   - timeout: how long at most. It is no expectation of speed: choose it so that only a hang reaches it.
/// - Throws: ``NeverHappened`` after recording the failure at the caller's line; whatever the condition throws.
package func eventually(
    _ what: @autoclosure () -> String,
    timeout: Duration = .seconds(20),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    var pause = Duration.milliseconds(1)
    repeat {
        if try await condition() { return }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(50))
    } while ContinuousClock.now < deadline
    let missed = what()
    Issue.record("within \(timeout) it never became true that \(missed)", sourceLocation: sourceLocation)
    throw NeverHappened(what: missed)
}

/// Ends a test whose ``eventually(_:timeout:sourceLocation:_:)`` has been recorded as failed.
package struct NeverHappened: Error, CustomStringConvertible {
    let what: String

    package var description: String { "it never became true that \(what)" }
}
