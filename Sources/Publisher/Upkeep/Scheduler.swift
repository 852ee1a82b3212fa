package import FoundationEssentials
package import Logging
internal import Postgres
package import Reporting
package import Store
internal import Synchronization
internal import WorkOrders

/// Fires schedules: writes the work order of each tick into the outbox. Any number may run; each tick is fired once,
/// because its order and the step to the next tick are one commit. PostgreSQL's clock decides, and its time zones.
package final class Scheduler: Sendable {
    /// The channel on which SQL says that schedules have changed.
    private static let channel = "moose_schedules"
    /// How many schedules tick in one commit.
    private static let piece = 200
    /// More missed ticks than this are not counted one by one.
    private static let countLimit = 1000
    /// Refused so often in a row, a schedule is taken out of service.
    private static let patience = 5

    private let store: Store
    private let logger: Logger
    private let reporter: Reporter
    private let poll: Duration
    private let alarm = Alarm()
    private let progress = Mutex(ProgressWatch())
    private let failures = Mutex(Failures<String>())
    /// Schedules that failed by themselves, until when they are left alone.
    private let resting = Mutex<[String: ContinuousClock.Instant]>([:])
    private let zones = Mutex<[String: (offsets: ZoneOffsets, readAt: ContinuousClock.Instant)]>([:])

    /// - Parameters:
    ///   - reporter: hears of schedules that can't be read or are broken; default one that only logs.
    ///   - poll: how often to look when nothing is due sooner. Default 10 s.
    package init(store: Store, logger: Logger, reporter: Reporter? = nil, poll: Duration = .seconds(10)) {
        self.store = store
        self.logger = logger
        self.reporter = reporter ?? Reporter(component: "scheduler", logger: logger)
        self.poll = poll
    }

    /// Nil while ticks are fired.
    package var trouble: String? { progress.withLock { $0.trouble("schedules are not fired", at: .now) } }

    /// Runs until the task is cancelled. Errors are reported and tried again: a tick that waits is made up for.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.store.postgres.notifications(on: Self.channel) { self.alarm.ring() }
            }
            while !Task.isCancelled {
                do {
                    let seen = try await tick()
                    progress.withLock { $0.waits(0, at: .now) }
                    // What was due and is still there was another's: a moment later it has moved on.
                    let wait = try await store.scheduleWait() ?? poll
                    let isResting = !resting.withLock(\.isEmpty)
                    await alarm.wait(
                        atMost: min(poll, max(wait, .milliseconds(seen > 0 ? 10 : isResting ? 1000 : 100))))
                } catch {
                    if Task.isCancelled { break }
                    progress.withLock { watch in
                        watch.waits(1, at: .now)
                        watch.failed("\(error)")
                    }
                    reporter.report("tick", "schedules wait", error: error)
                    await alarm.wait(atMost: .seconds(5))
                }
            }
            group.cancelAll()
        }
    }

    /// Fires what is due.
    ///
    /// - Parameter now: instead of the database's clock.
    /// - Returns: how many ticks were due, whoever fired them.
    @discardableResult
    package func tick(at now: Date? = nil) async throws -> Int {
        let resting = self.resting.withLock { resting in
            resting = resting.filter { $0.value > .now }
            return resting
        }
        let due = try await store.dueSchedules(at: now).filter { resting[$0.name] == nil }
        var firings: [ScheduleFiring] = []
        var broken: [String: String] = [:]
        for schedule in due {
            do {
                firings.append(try await firing(schedule))
            } catch let error as CronError {
                broken[schedule.name] = error.description
            } catch PostgresError.server(let error) where error.sqlState == "22023" {
                broken[schedule.name] = error.message
            } catch let error as PostgresError where error.fault != .away {
                note(error, for: schedule.name, in: &broken)
            }
        }
        var fired: [String] = []
        for start in stride(from: 0, to: firings.count, by: Self.piece) {
            let piece = Array(firings[start..<min(start + Self.piece, firings.count)])
            try await bisecting(piece) { some throws(PostgresError) in
                let names = try await store.fire(some, at: now)
                failures.withLock { failures in
                    for firing in some { failures.clear(firing.schedule.name) }
                }
                fired += names
            } alone: { firing, error in
                note(error, for: firing.schedule.name, in: &broken)
            }
        }
        try await store.stopSchedules(broken)
        for (name, reason) in broken {
            logger.error("a schedule is paused", metadata: ["schedule": "\(name)", "reason": "\(reason)"])
        }
        if !fired.isEmpty {
            logger.info("schedules ticked", metadata: ["schedules": "\(fired.joined(separator: ","))"])
        }
        return due.count
    }

    /// One that fails by itself holds up no other; after so many looks it is taken out of service, so that a person sees it.
    private func note(_ error: PostgresError, for schedule: String, in broken: inout [String: String]) {
        reporter.report("tick", "a schedule was not fired", error: error, details: [.schedule: schedule])
        resting.withLock { $0[schedule] = .now + poll }
        guard error.fault != .starved, failures.withLock({ $0.add(schedule) }) >= Self.patience else { return }
        failures.withLock { $0.clear(schedule) }
        broken[schedule] = "the database refuses its order (SQLSTATE \(error.sqlState ?? "unknown"))"
    }

    /// After an outage the oldest tick is fired, and all others until now are only counted.
    private func firing(_ schedule: DueSchedule) async throws -> ScheduleFiring {
        let cron = try CronExpression(schedule.cron)
        let zone = try await offsets(of: schedule.timeZone, from: schedule.tick, to: schedule.now)
        let missed = cron.ticks(Self.countLimit, after: schedule.tick, in: zone).prefix { $0 <= schedule.now }
        guard let next = cron.next(after: schedule.now, in: zone) else { throw CronError.tooRare(cron) }
        return ScheduleFiring(schedule, next: next, missed: missed.count)
    }

    /// A zone's rules, read anew once a day.
    private func offsets(of zone: String, from tick: Date, to now: Date) async throws -> ZoneOffsets {
        if let known = zones.withLock({ $0[zone] }), known.readAt > .now - .seconds(86_400),
            known.offsets.covers(tick, years: 0), known.offsets.covers(now, years: 8)
        {
            return known.offsets
        }
        let offsets = try await store.zoneOffsets(zone, around: tick)
        zones.withLock { $0[zone] = (offsets, .now) }
        return offsets
    }
}
