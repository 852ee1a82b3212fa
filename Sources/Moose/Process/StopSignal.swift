internal import CLinux
internal import Glibc
internal import IOThread
internal import Logging
internal import Synchronization
internal import Telemetry

/// SIGTERM, SIGINT and SIGHUP: the first drains, a second SIGTERM or SIGINT stops at once. While a role still connects,
/// where nothing could be drained, the first one ends it. A terminal that closes sends SIGHUP more than once. Two of a
/// kind within 0.2 s are one.
///
/// They are caught from the first moment on and wait in a pipe for the thread that answers them: none gets lost or kills
/// before somebody listens. Blocking them would not do: a library's thread that waits for processes lets all through.
enum StopSignal {
    private struct State {
        var isListening = false
        /// Where the signals come out.
        var pipe: Int32 = -1
        var count = 0
        /// The one that counted last, and when.
        var latest: (number: Int32, at: ContinuousClock.Instant)?
        var stop: AsyncStream<Void>.Continuation?
        var atOnce: @Sendable () -> Void = {}
    }

    private static let state = Mutex(State())
    /// timeout(1) and others signal the process, and then the group it is in.
    private static let oneWithin = Duration.milliseconds(200)
    /// What ends a terminal session is no reason to stop for a process that nohup(1) has told to outlive it.
    private static let numbers = [SIGTERM, SIGINT] + (moose_ignores(SIGHUP) != 0 ? [] : [SIGHUP])

    /// Keeps the signals for the thread that ``listen(logger:)`` starts. The first thing a role does.
    static func hold() {
        // Without a descriptor left nothing else would go well either: then a signal ends the process as it ends others.
        let pipe = unsafe moose_catch_signals(numbers, Int32(numbers.count))
        state.withLock { $0.pipe = pipe }
    }

    /// Answers the signals from now on; until ``whileWatching(atOnce:_:)`` the first one ends the process, with status 0:
    /// it was asked to stop, and has. More than one call is one.
    /// - Throws: when the system has no thread left.
    static func listen(logger: Logger) throws {
        let (isFirst, pipe) = state.withLock { state in
            defer { state.isListening = true }
            return (!state.isListening, state.pipe)
        }
        guard isFirst else { return }
        try IOThread(name: "moose-signals") {
            var byte: UInt8 = 0
            while true {
                let count = unsafe read(pipe, &byte, 1)
                if count == 1 { received(Int32(byte), logger) }
                guard count == 1 || count < 0 && errno == EINTR else { return }
            }
        }.detach()
        try ParentPipe.onEnd { received(SIGHUP, logger) }
    }

    /// Runs `body` with a stream that yields at the first signal.
    ///
    /// - Parameter atOnce: what is left to do at the second one, before the process exits.
    static func whileWatching<Value>(
        atOnce: @escaping @Sendable () -> Void = {}, _ body: (AsyncStream<Void>) async throws -> Value
    ) async throws -> Value {
        let (stream, stop) = AsyncStream<Void>.makeStream()
        state.withLock { state in
            state.stop = stop
            state.atOnce = atOnce
        }
        return try await body(stream)
    }

    /// Ends the process now: somebody else than a signal wants it, and nothing has begun.
    static func endBeforeStart(_ why: String, logger: Logger) {
        guard state.withLock({ $0.stop == nil }) else { return }
        logger.info("stopped before it took work", metadata: ["why": "\(why)"])
        end(.ok)
    }

    private static func received(_ number: Int32, _ logger: Logger) {
        let name = number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP"
        let (count, stop, atOnce) = state.withLock { state in
            let now = ContinuousClock.now
            let isEcho = state.latest.map { $0.number == number && now - $0.at < oneWithin } ?? false
            guard !isEcho, number != SIGHUP || state.count == 0 else { return (0, state.stop, state.atOnce) }
            state.latest = (number, now)
            state.count += 1
            return (state.count, state.stop, state.atOnce)
        }
        guard let stop else { return endBeforeStart(name, logger: logger) }
        guard count != 0 else { return }
        guard count > 1 else {
            logger.info("stopping; once more to stop at once", metadata: ["signal": "\(name)"])
            stop.yield()
            return stop.finish()
        }
        logger.warning("stopped at once; leases of running jobs will be rescued", metadata: ["signal": "\(name)"])
        atOnce()
        RunningCopies.shared.stopAtOnce()
        end(.failed)
    }

    /// Without what `exit` does besides: it would wait for others that write to standard output.
    private static func end(_ status: ExitStatus) {
        Telemetry.StandardError.flush()
        _exit(status.rawValue)
    }
}
