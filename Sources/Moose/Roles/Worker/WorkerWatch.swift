internal import Logging
internal import Synchronization
internal import Telemetry
internal import Worker

/// What goes on beside a worker's pool: the parent's messages and its reports to it, or without a parent, the memory limit.
final class WorkerWatch: Sendable {
    private let pool: WorkerPool
    private let link: ParentLink?
    private let limit: Int64?
    private let logger: Logger
    private let stop: AsyncStream<Void>.Continuation
    private let port = Mutex(0)
    private let over = Mutex(false)

    /// - Parameters:
    ///   - link: the line to the parent; nil without one.
    ///   - limit: the memory it may hold, in bytes; with a parent, that one watches.
    ///   - stop: finished when the pool is to drain.
    init(
        _ pool: WorkerPool, link: ParentLink?, limit: Int64?, stop: AsyncStream<Void>.Continuation, logger: Logger
    ) {
        self.pool = pool
        self.link = link
        self.limit = limit
        self.stop = stop
        self.logger = logger
    }

    /// Whether the process ends because it held too much memory.
    var isOverLimit: Bool { over.withLock { $0 } }

    func listens(on port: Int) { self.port.withLock { $0 = port } }

    /// Runs until the task is cancelled.
    func run() async {
        guard let link else { return await watchMemory() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.report(to: link) }
            group.addTask { await self.obey(link) }
        }
    }

    private func obey(_ link: ParentLink) async {
        await withTaskGroup(of: Void.self) { group in
            for await message in link.messages {
                switch message {
                case .drain: stop.finish()
                case .retire:
                    group.addTask {
                        await self.pool.retire()
                        self.stop.finish()
                    }
                }
            }
            guard !Task.isCancelled else { return }
            logger.warning("the supervisor is gone; draining")
            stop.finish()
        }
    }

    private func report(to link: ParentLink) async {
        var wasReady = false
        while !Task.isCancelled {
            wasReady = wasReady || pool.isReady
            do {
                try link.send(pool.report(port: port.withLock { $0 }))
            } catch {
                // A parent that is gone: the other end of the pipe tells of it, and this process drains.
                logger.error("no report to the supervisor", metadata: ["error": "\(error)"])
            }
            // Often until it is ready, for which the parent waits. Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: wasReady ? .seconds(1) : .milliseconds(50))
        }
    }

    private func watchMemory() async {
        guard let limit else { return }
        while !Task.isCancelled {
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: .seconds(1))
            guard let resident = ProcessMetrics.residentBytes().map({ Int64($0) }), resident > limit else { continue }
            logger.warning(
                "over the memory limit; the process ends with status \(ExitStatus.recycled.rawValue) after its jobs",
                metadata: ["resident_bytes": "\(resident)", "max_rss_bytes": "\(limit)"])
            over.withLock { $0 = true }
            await pool.retire()
            return stop.finish()
        }
    }
}
