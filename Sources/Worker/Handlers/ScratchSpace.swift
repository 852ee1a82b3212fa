internal import FoundationEssentials
internal import Glibc
package import IOThread

/// Makes and removes the private folders of command attempts, on a thread of its own: a slow disk must not hold up the
/// tasks of the other work orders. One a worker, shared by all `command` handlers.
///
/// Making one raises the process's soft limit of open files, as far as the hard one and 65,536 allow: each running
/// command takes two.
package final class ScratchSpace: Sendable {
    private enum Command: Sendable {
        case run(@Sendable () -> Void)
        case stop
    }

    private let commands: Mailbox<Command>
    private let root: String
    private let reserve = FileReserve()

    /// - Parameter root: where the folders are made; nil is `TMPDIR`, and `/tmp` without one.
    /// - Throws: when the system has no thread or no file descriptor left.
    package init(root: String? = nil) throws(IOError) {
        self.root = root ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let commands = try Mailbox<Command>()
        self.commands = commands
        try IOThread(name: "moose-scratch") {
            var pollSet = PollSet()
            pollSet.add(commands.fileDescriptor, .readable)
            while true {
                pollSet.wait(until: nil)
                for command in commands.drain() {
                    guard case .run(let work) = command else { return }
                    work()
                }
            }
        }.detach()
    }

    deinit { commands.post(.stop) }

    /// Makes a folder only this user can enter, with `input` waiting in a file that is already open and has no name.
    /// When it succeeds, a turn to start a command is taken until ``startIsOver()``; it may have to wait for one.
    func makeFolder(input: [UInt8]) async throws(ScratchFolder.Failure) -> ScratchFolder {
        await reserve.enter()
        let made: Result<ScratchFolder, ScratchFolder.Failure> = await perform { [root] in
            guard FileReserve.hasRoom else {
                return .failure(ScratchFolder.Failure(what: "too few files may be open", errno: EMFILE))
            }
            do throws(ScratchFolder.Failure) {
                return .success(try ScratchFolder(in: root, input: input))
            } catch {
                return .failure(error)
            }
        }
        if case .failure = made { reserve.leave() }
        return try made.get()
    }

    /// The command has been started, or could not be: its turn is another's.
    func startIsOver() { reserve.leave() }

    /// Reads the result file and removes the folder with everything a command left in it.
    func finish(_ folder: ScratchFolder) async -> CommandResult {
        await perform {
            let result = folder.readResult()
            folder.remove()
            return result
        }
    }

    private func perform<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            // Never refused: the box closes with this object, which its caller holds.
            commands.post(.run { continuation.resume(returning: work()) })
        }
    }
}
