internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// One process of a group, from its start to its end.
///
/// The parent holds the only writing end of its standard input: when the parent dies, however it dies, the process reads
/// the end of the file and drains.
final class ChildProcess: Sendable {
    private let number: Int
    private let program: FleetProgram
    private let messages: AsyncStream<ParentMessage>
    private let message: AsyncStream<ParentMessage>.Continuation
    private let process = Mutex<pid_t?>(nil)
    private let lastID = Mutex<pid_t?>(nil)
    private let leftNothing = Mutex(false)
    /// How long whatever it leaves behind may take to end. Its guard needs a moment.
    private static let patience = Duration.seconds(10)

    init(number: Int, program: FleetProgram) {
        self.number = number
        self.program = program
        (messages, message) = AsyncStream.makeStream()
    }

    /// Sends it a message; one that is gone doesn't mind.
    func tell(_ text: ParentMessage) { message.yield(text) }

    /// Ends it at once.
    func kill() {
        process.withLock { if let id = $0 { _ = Glibc.kill(id, SIGKILL) } }
    }

    /// The number it had, for those who knew it by that; nil when it never started.
    var formerID: pid_t? { lastID.withLock { $0 } }

    /// Whether everything that wrote to its standard error has ended as well, which its guard does after the commands it
    /// kills.
    var hasLeftNothing: Bool { leftNothing.withLock { $0 } }

    /// Starts it, and returns how it ended, and not before what it leaves behind, within ten seconds.
    func run(onReport: @escaping @Sendable (ProcessReport) -> Void) async -> ProcessEnding {
        var options = PlatformOptions()
        // A group of its own: Ctrl-C in the terminal reaches the parent only, which then drains its processes.
        options.processGroupID = 0
        do {
            let input = try ChildInput()
            defer { input.close() }
            let errors = try ErrorOutput { [program, number] in program.onLine(number, $0) }
            let run = try await Subprocess.run(
                .path(FilePath(program.executable)), arguments: Arguments(program.arguments(number)),
                environment: program.environment.map { .custom($0.withKeys) } ?? .inherit, platformOptions: options,
                input: .fileDescriptor(input.reader, closeAfterSpawningProcess: true), output: .sequence,
                error: .fileDescriptor(errors.writer, closeAfterSpawningProcess: true)
            ) { execution in
                process.withLock { $0 = execution.processIdentifier.value }
                lastID.withLock { $0 = execution.processIdentifier.value }
                await follow(execution, input, onReport)
                // It is reaped after this; from now on its number may belong to another process.
                process.withLock { $0 = nil }
            }
            let isOver = await errors.isAtEnd(within: Self.patience)
            leftNothing.withLock { $0 = isOver }
            return ProcessEnding(run.terminationStatus)
        } catch {
            return .notStarted("\(error)")
        }
    }

    private func follow(
        _ execution: Execution<FileDescriptorInput, SequenceOutput, FileDescriptorOutput>, _ input: ChildInput,
        _ onReport: @escaping @Sendable (ProcessReport) -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await input.write(self.program.greeting)
                } catch {
                    // It has ended without it, and `run` says how.
                }
                for await text in self.messages {
                    do {
                        try await input.write(Array("\(text.rawValue)\n".utf8))
                    } catch {
                        // It reads no more: it is ending, and `run` says how.
                    }
                }
            }
            await read(execution.standardOutput) { line in
                if let report = ProcessReport(line: line) {
                    onReport(report)
                } else {
                    self.program.onLine(self.number, line)
                }
            }
            message.finish()
        }
    }

    private func read(_ output: SubprocessOutputSequence, _ onLine: (String) -> Void) async {
        var splitter = LineSplitter()
        do {
            for try await chunk in output {
                for line in splitter.take(unsafe chunk.withUnsafeBytes { unsafe Array($0) }) { onLine(line) }
            }
        } catch {
            onLine("its output can't be read any more: \(error)")
        }
        if let line = splitter.end() { onLine(line) }
    }
}

extension [String: String] {
    /// As the library that starts processes wants an environment.
    var withKeys: [Environment.Key: String] {
        reduce(into: [:]) { keyed, entry in
            if let key = Environment.Key(rawValue: entry.key) { keyed[key] = entry.value }
        }
    }
}

extension ProcessEnding {
    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled(let signal): self = .killed(signal: signal)
        }
    }
}
