internal import Glibc
internal import Logging
internal import UnixSignals

/// SIGTERM and SIGINT: the first drains, a second one stops at once.
enum StopSignal {
    /// Runs `body` with a stream that yields at the first signal.
    ///
    /// - Parameter atOnce: what is left to do at the second one, before the process exits.
    static func whileWatching(
        logger: Logger, atOnce: @escaping @Sendable () -> Void = {},
        _ body: @Sendable (AsyncStream<Void>) async throws -> Void
    ) async throws {
        let (stop, continuation) = AsyncStream<Void>.makeStream()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var count = 0
                for await signal in signals {
                    count += 1
                    if count == 1 {
                        logger.info("stopping; once more to stop at once", metadata: ["signal": "\(signal)"])
                        continuation.yield()
                        continuation.finish()
                    } else {
                        logger.warning("stopped at once; leases of running jobs will be rescued")
                        atOnce()
                        RunningCopies.shared.stopAtOnce()
                        exit(ExitStatus.failed.rawValue)
                    }
                }
            }
            try await body(stop)
            group.cancelAll()
        }
    }
}
