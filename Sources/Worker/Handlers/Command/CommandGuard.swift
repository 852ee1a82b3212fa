internal import FoundationEssentials
internal import Glibc
package import Reporting
internal import Subprocess
internal import SystemPackage
internal import WorkOrders

/// A small process beside a worker that outlives it: when the worker is gone, however it ended, the guard kills the
/// process groups of the commands that still run, and removes their folder. See ``GuardDuty`` for its other side.
///
/// The kernel's own way, a signal at the death of the parent, reaches neither the children of a command nor a program
/// started without a hook between fork and exec.
package final class CommandGuard: Sendable {
    /// Closed by the system when this process ends; that is the alarm.
    private let pipe: Int32
    private let life: Task<Void, Never>

    /// Starts the guard; when it ends early that is reported, and commands run on without one.
    /// - Parameters:
    ///   - arguments: of this same program, such that it does a ``GuardDuty`` with its standard input.
    /// - Throws: `Errno` when the system has no pipe left.
    package init(arguments: [String], reporter: Reporter) throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        let (reader, writer) = (ends[0], ends[1])
        // A command that inherited the writing end would keep the alarm from going off.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // Nobody waits for a guard that is stuck: what doesn't fit is left out.
        _ = fcntl(writer, F_SETFL, O_NONBLOCK)
        pipe = writer
        life = Task {
            var options = PlatformOptions()
            // Signals to the worker's group are not for it.
            options.createSession = true
            // It needs no secret, so it gets none: its environment can be read by others of this user.
            let environment = ProcessInfo.processInfo.environment.filter { $0.key.hasPrefix("LD_") }
            do {
                let status = try await Subprocess.run(
                    .path("/proc/self/exe"), arguments: Arguments(arguments),
                    environment: .custom(environment.withKeys), platformOptions: options,
                    input: .fileDescriptor(FileDescriptor(rawValue: reader), closeAfterSpawningProcess: true),
                    output: .discarded,
                    error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
                ).terminationStatus
                guard !status.isSuccess else { return }
                reporter.report(
                    "guard", "the guard of commands ended early", failureClass: .workerLost,
                    details: ["status": "\(status)"])
            } catch {
                reporter.report("guard", "commands run without a guard", error: error)
            }
        }
    }

    /// From now on this group is killed when the worker ends.
    func watch(_ group: pid_t) { tell("+\(group)\n") }

    /// Nothing of the group is left.
    func forget(_ group: pid_t) { tell("-\(group)\n") }

    /// Lets the guard do its duty and waits for its end: what still runs is killed.
    package func close() async {
        Glibc.close(pipe)
        await life.value
    }

    private func tell(_ line: String) {
        let bytes = Array(line.utf8)
        // So short a line is written whole or not at all. A guard that is gone was logged when it ended.
        _ = unsafe bytes.withUnsafeBytes { bytes in unsafe write(pipe, bytes.baseAddress, bytes.count) }
    }
}
