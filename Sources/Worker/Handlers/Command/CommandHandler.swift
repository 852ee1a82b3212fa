internal import FoundationEssentials
internal import Glibc
internal import IOThread
internal import Subprocess
internal import SystemPackage
package import WorkOrders

/// Runs a program for each work order.
///
/// The program reads the work order from standard input, works in a session and process group of its own, and may write
/// a result file. The attempt ends when the program's own process ends: what it leaves behind in its group is killed.
/// A process that moves itself to another session is beyond reach.
package struct CommandHandler: WorkHandler {
    let configuration: CommandConfiguration
    /// What a command and its children get between SIGTERM and SIGKILL once somebody cancelled the order.
    static let cancelGrace = Duration.milliseconds(500)

    private let scratch: ScratchSpace
    private let commandGuard: CommandGuard?
    private let environment: [Environment.Key: String]
    private let onOutput: @Sendable (Job, [UInt8]) -> Void

    /// - Parameters:
    ///   - scratch: shared by all command handlers of a worker.
    ///   - commandGuard: kills what still runs when this process ends without a word; nil: nobody does.
    ///   - onOutput: gets each piece the program writes as it comes, for the log; must return at once.
    package init(
        _ configuration: CommandConfiguration, scratch: ScratchSpace, commandGuard: CommandGuard? = nil,
        onOutput: @escaping @Sendable (Job, [UInt8]) -> Void = { _, _ in }
    ) {
        self.configuration = configuration
        self.scratch = scratch
        self.commandGuard = commandGuard
        self.onOutput = onOutput
        let own = ProcessInfo.processInfo.environment
        var passedOn: [Environment.Key: String] = [:]
        for name in configuration.environment {
            guard let key = Environment.Key(rawValue: name), let value = own[name] else { continue }
            passedOn[key] = value
        }
        environment = passedOn
    }

    @concurrent
    package func run(_ job: Job) async -> Outcome {
        let group = ProcessGroup(grace: configuration.terminationGrace, commandGuard: commandGuard)
        // A task of its own, which nobody cancels: a stop goes to the program, and everything after it (reading what it
        // used up, removing its folder) still has to happen.
        let attempt = Task { await self.attempt(job, group) }
        return await withTaskCancellationHandler {
            await attempt.value
        } onCancel: {
            group.stop(.cancelled, within: job.cancelFlag.isSet ? Self.cancelGrace : nil)
        }
    }

    @concurrent
    private func attempt(_ job: Job, _ group: ProcessGroup) async -> Outcome {
        guard let document = WorkOrderDocument.bytes(for: job) else {
            return Self.notStarted(.invalidInput, "the work order's body is not a JSON object", retry: .never)
        }
        guard let program = executable else {
            return Self.notStarted(
                .infrastructure, "the handler's argv names no program: correct it in moose.yaml", retry: .never)
        }
        let folder: ScratchFolder
        do throws(ScratchFolder.Failure) {
            folder = try await scratch.makeFolder(input: document)
        } catch {
            return .hostFault(AttemptFailure(.infrastructure, PlainText.line(error.description)))
        }
        guard group.stopCause == nil else {
            scratch.startIsOver()
            close(folder.input)
            _ = await scratch.finish(folder)
            return .interrupted(AttemptReport(didStart: false))
        }
        let timer = Task {
            guard (try? await Deadlines.shared.sleep(for: job.timeout)) != nil else { return }
            group.stop(.timeout)
        }
        let run = await follow(program, job, folder, group)
        timer.cancel()
        await group.leaderWasReaped()
        let result = await scratch.finish(folder)
        switch run {
        case .ended(let ending, let output):
            return CommandVerdict(
                ending: ending, stoppedFor: group.stopCause, timeout: job.timeout, result: result, output: output,
                isPaid: job.estimate > .zero || job.allowance != nil
            ).outcome
        case .broken(let failure):
            let report = AttemptReport(
                didStart: group.didStart, cost: result.cost, tokensIn: result.tokensIn, tokensOut: result.tokensOut)
            return group.stopCause == .cancelled ? .interrupted(report) : .failed(failure, report)
        case .notBegun(let words):
            return group.stopCause == .cancelled
                ? .interrupted(AttemptReport(didStart: false))
                : .hostFault(AttemptFailure(.infrastructure, PlainText.line(words)))
        }
    }

    private enum Run {
        case ended(CommandVerdict.Ending, output: String?)
        /// It could not be started or followed.
        case broken(AttemptFailure)
        /// This machine could not start it.
        case notBegun(String)
    }

    private func follow(
        _ program: Executable, _ job: Job, _ folder: ScratchFolder, _ group: ProcessGroup
    ) async -> Run {
        do {
            let run = try await Subprocess.run(
                configuration(of: program, job, folder),
                input: .fileDescriptor(FileDescriptor(rawValue: folder.input), closeAfterSpawningProcess: false),
                output: .sequence, error: .combinedWithOutput
            ) { execution in
                group.started(execution.processIdentifier.value)
                scratch.startIsOver()
                close(folder.input)
                var tail = OutputTail(limit: configuration.outputLimitBytes)
                for try await chunk in execution.standardOutput {
                    let bytes = unsafe chunk.withUnsafeBytes { unsafe Array($0) }
                    tail.append(bytes)
                    onOutput(job, bytes)
                    group.killLeftoversIfLeaderEnded()
                }
                return tail.text()
            }
            return .ended(CommandVerdict.Ending(run.terminationStatus), output: run.closureResult)
        } catch {
            // Closed here and not by the library, which leaves it open when it can't make its pipes.
            if !group.didStart {
                scratch.startIsOver()
                close(folder.input)
            }
            if !group.didStart, let words = HostFault.words(for: error) { return .notBegun(words) }
            return .broken(failure(for: error))
        }
    }

    private func configuration(of program: Executable, _ job: Job, _ folder: ScratchFolder) -> Configuration {
        var environment = environment
        environment["MOOSE_WORK_ORDER_ID"] = job.id.uuidString.lowercased()
        environment["MOOSE_ATTEMPT"] = String(job.attempt)
        if let budget = JobBudget(job) {
            environment["MOOSE_HOLD_USD"] = budget.holdUSD
            environment["MOOSE_MODEL"] = budget.model
            environment["MOOSE_MAX_TOKENS"] = budget.maxTokens.map(String.init)
        }
        environment["MOOSE_RESULT_FILE"] = folder.resultPath
        environment["TRACEPARENT"] = job.traceparent
        var options = PlatformOptions()
        options.createSession = true
        return Configuration(
            executable: program, arguments: Arguments(Array(configuration.argv.dropFirst())),
            environment: .custom(environment),
            workingDirectory: configuration.workingDirectory.map { FilePath($0) }, platformOptions: options)
    }

    private var executable: Executable? {
        guard let program = configuration.argv.first, !program.isEmpty,
            !configuration.argv.contains(where: { $0.utf8.contains(0) })
        else { return nil }
        return path(of: program).map { .path($0) } ?? .name(program)
    }

    /// Nil for a name, which the folders of PATH are searched for.
    func path(of program: String) -> FilePath? {
        guard program.contains("/") else { return nil }
        guard let directory = configuration.workingDirectory, !program.hasPrefix("/") else { return FilePath(program) }
        return FilePath(directory).appending(program)
    }

    private static func notStarted(
        _ failureClass: FailureClass, _ message: String, retry: AttemptFailure.Retry
    ) -> Outcome {
        .failed(AttemptFailure(failureClass, message, retry: retry), AttemptReport(didStart: false))
    }
}
