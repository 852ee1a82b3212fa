internal import FoundationEssentials
internal import Glibc
internal import NIOCore

/// How many files and processes this machine lets the process have, and how many its slots may take.
package enum HostLimits {
    /// What a process gets without asking is often 1024, of which a few hundred commands take most. Not more than this:
    /// commands inherit it, and some close every number up to it.
    private static let wantedFiles: rlim_t = 65_536
    /// What an idle worker has open, some 35, and room for those who look at its probes.
    private static let ownFiles = 50
    /// What each thread of the HTTP client has open besides.
    private static let filesPerLoop = 3
    /// At most so many of its own are open when it looks at its limits. What is beyond was handed to it, and stays.
    private static let filesAtStart = 16
    /// Of threads and helpers besides the commands: the kernel counts threads as it counts processes.
    private static let ownTasks = 64

    /// Raises the soft limits: of open files as far as the hard one and 65,536 allow, of processes to the hard one.
    package static func raise() {
        raise(RLIMIT_NOFILE, upTo: wantedFiles)
        raise(__RLIMIT_NPROC, upTo: .max)
    }

    /// Why so many slots can't all be in use here, and what to do; nil where they can.
    ///
    /// - Parameters:
    ///   - slots: of one process.
    ///   - commands: whether handlers start programs.
    ///   - processes: how many such processes there may be.
    package static func shortage(slots: Int, commands: Bool, processes: Int = 1) -> String? {
        let files = Self.files(
            slots: slots, commands: commands, open: FileReserve.openFiles ?? 0,
            loops: NIOSingletons.groupLoopCountSuggestion)
        if let limit = limit(RLIMIT_NOFILE)?.rlim_cur, limit < rlim_t(files) {
            return "a process may open \(limit) files here, and needs \(files) for \(slots) slots: "
                + "raise `ulimit -n` (systemd: LimitNOFILE) or give the worker fewer slots"
        }
        let tasks = processes * (ownTasks + (commands ? slots : 0))
        // The superuser is not held to it.
        if geteuid() != 0, let limit = limit(__RLIMIT_NPROC)?.rlim_cur, limit < rlim_t(tasks) {
            return "the user may have \(limit) processes here, and the worker needs \(tasks): "
                + "raise `ulimit -u` (systemd: LimitNPROC) or give the worker fewer slots"
        }
        if let limit = groupLimit(), limit < tasks {
            return "the control group may have \(limit) processes and threads, and the worker needs \(tasks): "
                + "raise the limit (systemd: TasksMax; containers: the pids limit) or give the worker fewer slots"
        }
        return nil
    }

    /// How many files a worker must be allowed to open, so that its last slot still finds room to start what it runs.
    ///
    /// - Parameters:
    ///   - open: how many are open at its start.
    ///   - loops: threads of the HTTP client.
    static func files(slots: Int, commands: Bool, open: Int, loops: Int) -> Int {
        let idle = ownFiles + filesPerLoop * loops + max(0, open - filesAtStart)
        // A command's output and its process; else a connection. What starts has more open, for a moment.
        let starting = commands ? min(slots, FileReserve.turns) * (FileReserve.perStart - 2) : 0
        return FileReserve.least + idle + starting + slots * (commands ? 2 : 1)
    }

    static func limit(_ resource: __rlimit_resource) -> rlimit? {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 ? limit : nil
    }

    private static func raise(_ resource: __rlimit_resource, upTo wanted: rlim_t) {
        guard var limit = limit(resource), limit.rlim_cur < min(limit.rlim_max, wanted) else { return }
        limit.rlim_cur = min(limit.rlim_max, wanted)
        // Refused, it stays as it was; what doesn't fit is told at the start.
        _ = unsafe setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
    }

    /// The lowest limit of this process's control group and those above it; nil without one.
    private static func groupLimit(root: String = "/sys/fs/cgroup") -> Int? {
        guard let groups = text("/proc/self/cgroup"),
            let own = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })?.dropFirst(4)
        else { return nil }
        var names = own.split(separator: "/")
        var lowest: Int?
        while true {
            let folder = ([root] + names.map(String.init)).joined(separator: "/")
            // `max` is no number, and no limit.
            if let limit = text("\(folder)/pids.max").flatMap({ Int($0.filter { !$0.isWhitespace }) }) {
                lowest = min(lowest ?? limit, limit)
            }
            guard names.popLast() != nil else { return lowest }
        }
    }

    private static func text(_ path: String) -> String? {
        // What isn't there limits nothing.
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
