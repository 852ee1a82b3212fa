package import Logging
internal import Synchronization

/// A parent's worker processes: carries out what ``FleetState`` says.
package final class Fleet: Sendable {
    private enum Event: Sendable {
        case reported(Int, ProcessReport)
        case ended(Int, ProcessEnding)
        case resize(Int)
        case tick
        case stop
    }

    private let program: FleetProgram
    private let logger: Logger
    private let state: Mutex<FleetState>
    private let tellings = Tellings()
    private let tellingLimit: Duration
    private let children = Mutex<[Int: ChildProcess]>([:])
    private let onCrashLoop: @Sendable (Int, ProcessEnding) async -> Void
    private let onLoss: @Sendable (Int32) async -> Void
    private let events: AsyncStream<Event>
    private let event: AsyncStream<Event>.Continuation

    /// - Parameters:
    ///   - onCrashLoop: told once when a process doesn't stay up; only the end of the group waits for it, for a while.
    ///   - onLoss: told the system's number of a process that ended in any way but in good order, when neither it nor a
    ///     command of it runs any more; only the end of the group waits for it, for a while.
    package init(
        _ terms: FleetTerms, program: FleetProgram, logger: Logger,
        onCrashLoop: @escaping @Sendable (Int, ProcessEnding) async -> Void = { _, _ in },
        onLoss: @escaping @Sendable (Int32) async -> Void = { _ in }
    ) {
        self.program = program
        self.logger = logger
        self.onCrashLoop = onCrashLoop
        self.onLoss = onLoss
        tellingLimit = terms.tellingLimit
        state = Mutex(FleetState(terms))
        (events, event) = AsyncStream.makeStream()
    }

    /// How everything stands now.
    package var snapshot: FleetState { state.withLock { $0 } }

    /// Decides on a new number of processes.
    package func resize(to count: Int) { event.yield(.resize(count)) }

    /// Kills every process at once. Their jobs' leases expire and the work is rescued.
    package func killAll() {
        for child in children.withLock({ Array($0.values) }) { child.kill() }
    }

    /// Keeps the processes until `stop` yields or ends and all have drained, or none can be started.
    /// - Returns: the status to exit with.
    package func run(until stop: AsyncStream<Void>) async -> Int32 {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in stop { break }
                if !Task.isCancelled { self.event.yield(.stop) }
            }
            group.addTask {
                while !Task.isCancelled {
                    self.event.yield(.tick)
                    // Cancelled: the loop's condition ends it.
                    try? await Task.sleep(for: .milliseconds(200))
                }
            }
            var status = perform(state.withLock { $0.begin(at: .now) }, in: &group)
            if status == nil {
                for await event in events {
                    status = perform(state.withLock { Self.handle(event, in: &$0) }, in: &group)
                    if status != nil { break }
                }
            }
            group.cancelAll()
            await tellings.end(within: tellingLimit)
            return status ?? 1
        }
    }

    private static func handle(_ event: Event, in state: inout FleetState) -> [FleetAction] {
        switch event {
        case .reported(let number, let report): state.reported(number, report, at: .now)
        case .ended(let number, let ending): state.ended(number, ending, at: .now)
        case .resize(let count): state.resize(to: count, at: .now)
        case .tick: state.tick(at: .now)
        case .stop: state.stop(at: .now)
        }
    }

    /// Returns the status to exit with once there is nothing left to do.
    private func perform(_ actions: [FleetAction], in group: inout TaskGroup<Void>) -> Int32? {
        for action in actions {
            switch action {
            case .start(let number): start(number, in: &group)
            case .retire(let number): child(number)?.tell(.retire)
            case .drain(let number): child(number)?.tell(.drain)
            case .kill(let number): child(number)?.kill()
            case .log(let note): log(note)
            case .reportCrashLoop(let number, let ending):
                tellings.start { await self.onCrashLoop(number, ending) }
            case .finish(let status): return status
            }
        }
        return nil
    }

    private func child(_ number: Int) -> ChildProcess? { children.withLock { $0[number] } }

    private func start(_ number: Int, in group: inout TaskGroup<Void>) {
        let child = ChildProcess(number: number, program: program)
        children.withLock { $0[number] = child }
        group.addTask {
            let ending = await child.run { self.event.yield(.reported(number, $0)) }
            self.children.withLock { $0[number] = nil }
            // What may still run is not given to others: its leases say when.
            if !ending.isClean, child.hasLeftNothing, let id = child.formerID {
                self.tellings.start { await self.onLoss(id) }
            }
            self.event.yield(.ended(number, ending))
        }
    }

    private func log(_ note: FleetNote) {
        var metadata: Logger.Metadata = [:]
        if let process = note.process { metadata["process"] = "\(process)" }
        let level: Logger.Level =
            switch note.level {
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        logger.log(level: level, "\(note.text)", metadata: metadata)
    }
}
