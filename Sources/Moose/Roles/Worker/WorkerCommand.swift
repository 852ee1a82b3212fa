internal import ArgumentParser
internal import Worker

/// `moose worker`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Work lanes: claim, run, settle, retry.",
        discussion: """
            Handlers come from moose.yaml. SIGTERM, SIGINT or SIGHUP drains: no attempt is burned, no hold lost; a \
            second SIGTERM or SIGINT stops at once. `moose workers drain` does the same from anywhere. When this \
            machine can't start work, the worker takes nothing new, says why at /readyz, and goes on by itself.

            With --processes or --autoscale this process works nothing itself: it keeps the others, starts again what \
            dies, and serves the probes of all. A process that is one too many, or holds more memory than --max-rss, \
            takes no more work and ends after its last job. Status 5: a worker on its own held too much memory.

            EXAMPLES
              moose worker --lane default:8
              moose worker --lane llm:4 --lane default:16 --processes 4
              moose worker --lane default:25 --autoscale 1:4 --max-rss 500MB
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(
        name: .customLong("lane"), help: "A lane and its slots, NAME:SLOTS. Repeat for more lanes.",
        transform: { try LaneArgument(parsing: $0) })
    var lanes: [LaneArgument] = []
    @Option(
        parsing: .unconditional, help: "Worker processes; more than one are supervised and restarted with a backoff.")
    var processes: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("As many processes as the backlog needs, within MIN:MAX.", valueName: "min:max"),
        transform: { try AutoscaleArgument(parsing: $0) })
    var autoscale: AutoscaleArgument?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Memory a process may hold before it is replaced, such as 500MB.", valueName: "size"),
        transform: { try ByteSizeArgument(parsing: $0) })
    var maxRss: ByteSizeArgument?
    @Option(
        name: ListenArgument.names,
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where /healthz, /readyz, /metrics and /api/scaling are served, such as 127.0.0.1:9100 or 0.0.0.0:9100, or \
            a port of 127.0.0.1 alone (default: worker.listen of moose.yaml, any free one).
            """, valueName: "address"),
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?
    @Option(parsing: .unconditional, help: "Seconds running jobs may take to end after SIGTERM.") var drainTimeout: Int?

    // What a parent tells the processes it keeps.
    @Option(help: .private) var supervisor: String?
    @Option(help: .private) var process: Int32?
    @Option(help: .private) var logFormat: LogFormatArgument?

    func validate() throws {
        guard (1...256).contains(processes ?? 1) else { throw ValidationError("--processes goes from 1 to 256.") }
        guard (0...86_400).contains(drainTimeout ?? 0) else {
            throw ValidationError("--drain-timeout goes from 0 to 86400 seconds.")
        }
        guard processes == nil || autoscale == nil else {
            throw ValidationError(
                "--processes fixes the number, --autoscale lets it follow the work: give one of them.")
        }
        var named: Set<String> = []
        for lane in lanes.map(\.lane.name) where !named.insert(lane).inserted {
            throw ValidationError("--lane names \(lane) twice: give each lane once, with all its slots.")
        }
    }

    func run() async throws {
        try await runCommand {
            let role = try RoleProcess(
                isGroup ? "supervisor" : "worker", config: config, logFormat: logFormat?.format)
            if isGroup { try await supervise(role) } else { try await work(role) }
        }
    }

    /// Whether this process keeps others that work.
    private var isGroup: Bool { autoscale != nil || (processes ?? 1) > 1 }
}
