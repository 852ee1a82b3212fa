/// Does something again and again until its task is cancelled: after a pause with a little jitter, so that processes don't
/// keep step. A failure is told of and ends nothing.
package struct Repeating: Sendable {
    private let operation: String
    private let problem: String
    private let interval: Duration
    private let afterFailure: Duration
    private let startsAtOnce: Bool
    private let reporter: Reporter

    /// - Parameters:
    ///   - operation: what is being done, for reports: `sweep`, `heartbeat`, …
    ///   - interval: the pause; up to a tenth longer by chance, never shorter.
    ///   - startsAtOnce: whether the first time comes before the first pause. Default false.
    ///   - afterFailure: the pause after a failure; default the same.
    ///   - problem: what did not happen where it failed, in a few words that are the same each time.
    package init(
        _ operation: String, every interval: Duration, startsAtOnce: Bool = false, afterFailure: Duration? = nil,
        problem: String, reporter: Reporter
    ) {
        self.operation = operation
        self.interval = interval
        self.startsAtOnce = startsAtOnce
        self.afterFailure = afterFailure ?? interval
        self.problem = problem
        self.reporter = reporter
    }

    /// - Parameter body: returns the pause before the next time where that is another one than usual.
    package func runPaced(_ body: () async throws -> Duration?) async {
        var pause = startsAtOnce ? .zero : interval
        while !Task.isCancelled {
            // Cancelled: it is over.
            guard (try? await Task.sleep(for: pause * Double.random(in: 1...1.1))) != nil else { return }
            do {
                pause = try await body() ?? interval
            } catch {
                // Whoever stops has nothing to mend.
                if Task.isCancelled { return }
                reporter.report(operation, problem, error: error)
                pause = afterFailure
            }
        }
    }

    /// The same with the usual pause each time.
    package func run(_ body: () async throws -> Void) async {
        await runPaced {
            try await body()
            return nil
        }
    }
}
