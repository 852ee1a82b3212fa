internal import FoundationEssentials
internal import Glibc
internal import IOThread
internal import Logging
internal import Reporting
internal import Subprocess
internal import Synchronization
internal import SystemPackage
internal import WorkOrders

/// Keeps one copy of this program running for `moose up`: what dies is started again, with a backoff.
enum Supervisor {
    /// Runs one copy until the task is cancelled; then the copy gets SIGTERM and time to drain.
    ///
    /// - Parameters:
    ///   - environment: added to this process's own.
    ///   - log: the file its output is appended to; nil shares this process's.
    static func keepRunning(
        _ arguments: [String], name: String, environment: [String: String], log: String?,
        reporter: Reporter
    ) async {
        var backoff = Backoff(base: .milliseconds(500), cap: .seconds(30))
        while !Task.isCancelled {
            let started = ContinuousClock.now
            let wait: Duration
            do {
                let status = try await runOnce(arguments, environment: environment, log: log)
                if Task.isCancelled { return }
                if status.isSuccess {
                    Logger(label: "supervisor").info(
                        "a process was drained; it is not started again", metadata: ["process": "\(name)"])
                    return
                }
                // One that ran for a while is no crash loop.
                if ContinuousClock.now - started > .seconds(30) { backoff.succeeded() }
                wait = backoff.failed()
                reporter.report(
                    "run", "a process ended; it is started again", failureClass: .workerLost, severity: .critical,
                    details: [.process: name, .status: "\(status)", .restart: "\(wait)"])
            } catch {
                if Task.isCancelled { return }
                wait = backoff.failed()
                reporter.report(
                    "run", "a process did not start", error: error, severity: .critical, details: [.process: name])
            }
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: wait)
        }
    }

    private static func runOnce(
        _ arguments: [String], environment: [String: String], log: String?
    ) async throws -> TerminationStatus {
        var options = PlatformOptions()
        // Its own drain takes at most its time-out; after that the copy is gone for certain.
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(120))]
        // A group of its own: Ctrl-C in the terminal reaches this process only, which then drains its copies.
        options.processGroupID = 0
        let output: FileDescriptor =
            if let log {
                try unsafe .open(log, .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
            } else { .standardError }
        defer {
            // Nothing is lost by a close that fails: the copy has its own descriptor.
            if log != nil { try? output.close() }
        }
        let (input, hold) = try ParentPipe.make(
            ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter {
                !($0.key.hasSuffix("_FILE") && environment[String($0.key.dropLast(5))] != nil)
            })
        // Until here the copy has somebody to work for.
        defer { close(hold) }
        let started = Mutex<pid_t?>(nil)
        defer { if let process = started.withLock({ $0 }) { RunningCopies.shared.remove(process) } }
        let open: [Environment.Key: String] = input.environment.reduce(into: [:]) { open, entry in
            if let key = Environment.Key(rawValue: entry.key) { open[key] = entry.value }
        }
        return try await Subprocess.run(
            .path("/proc/self/exe"), arguments: Arguments(arguments), environment: .custom(open),
            platformOptions: options,
            input: .fileDescriptor(FileDescriptor(rawValue: input.descriptor), closeAfterSpawningProcess: true),
            output: .fileDescriptor(output, closeAfterSpawningProcess: false),
            error: .fileDescriptor(output, closeAfterSpawningProcess: false)
        ) { execution in
            RunningCopies.shared.insert(execution.processIdentifier.value)
            started.withLock { $0 = execution.processIdentifier.value }
        }.terminationStatus
    }
}
