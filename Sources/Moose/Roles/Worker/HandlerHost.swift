internal import ArgumentParser
internal import FoundationEssentials
internal import Reporting
internal import WorkOrders
internal import Worker

/// What a worker's handlers use on this machine: a folder, a guard of the commands, a client for HTTP.
struct HandlerHost: Sendable {
    let commandGuard: CommandGuard
    let scratch: ScratchSpace
    let client: HandlerClient
    private let folder: WorkerFolder

    /// - Parameter temporary: see ``temporaryFolder()``.
    /// - Throws: when the folder can't be made, the guard doesn't start, or the system has no thread left.
    init(in temporary: String, reporter: Reporter) throws {
        let folder = try WorkerFolder(in: temporary)
        self.folder = folder
        commandGuard = try CommandGuard(
            arguments: [CommandGuardCommand.configuration.commandName ?? "", folder.path], reporter: reporter)
        scratch = try ScratchSpace(in: folder) {
            reporter.report(
                "host",
                "the worker's temporary folder was removed; it was made anew, and what commands had written is lost",
                failureClass: .infrastructure, details: [.folder: folder.path])
        }
        // Last: it must be shut down before it goes.
        client = HandlerClient()
    }

    /// Where folders for temporary files are made.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when the one of the environment is of no use.
    static func temporaryFolder() throws(CommandFailure) -> String {
        do {
            return try TemporaryFolder.path(environment: ProcessInfo.processInfo.environment)
        } catch {
            throw CommandFailure(error.description, status: .usage)
        }
    }

    /// When no handler runs any more.
    func close() async throws {
        await commandGuard.close()
        folder.remove()
        try await client.shutdown()
    }
}
