internal import CLinux
internal import Glibc
internal import Worker

/// What a long-running role does before anything else, so that whatever started it, a shell, a service manager, a
/// container, leaves it in the same place. ``RoleProcess`` goes on where the command line has been read.
enum ProcessFrame {
    private static let roles: Set<String> = ["worker", "client-manager", "mission-control", "up", "command-guard"]
    /// Lets debuggers in, and whoever else has the user's rights.
    private static let readable = "MOOSE_DUMPABLE"

    /// Call it first, while there is one thread.
    static func begin() {
        moose_open_standard_descriptors()
        // A reader that goes away must not kill the process: writes then fail, and say so.
        signal(SIGPIPE, SIG_IGN)
        // Ignored, as whoever started this may have left it, it would hide how every program ended.
        signal(SIGCHLD, SIG_DFL)
        guard let command = CommandLine.arguments.dropFirst().first else { return }
        // It drains nothing, but takes its servers down with it.
        if command == "bench" { return StopSignal.hold() }
        guard roles.contains(command) else { return }
        moose_hide_environment()
        if unsafe getenv(readable) == nil { moose_forbid_reading() }
        if getpid() == 1 { beFirstProcess() }
        Handover.receive()
        // Nobody means these two for Moose; and a log line from the background must not stop the process that writes it.
        for number in [SIGUSR1, SIGUSR2, SIGTTOU] { signal(number, SIG_IGN) }
        guard command != "command-guard" else { return }
        StopSignal.hold()
        HostLimits.raise()
    }

    /// A container's first process has the kernel's duties of one. They are another process's than the work's, so that the
    /// work waits for nobody's children but its own.
    private static func beFirstProcess() {
        let status = unsafe moose_be_first_process(CommandLine.unsafeArgv)
        // Without a second process the first does the work, and orphans stay.
        guard status < 0 else { _exit(status) }
    }
}
