internal import Glibc
package import IOThread
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Makes and removes the private folders of command attempts, on a thread of its own: a slow disk must not hold up the
/// tasks of the other work orders. One a worker, shared by all `command` handlers.
///
/// What is removed under running commands, as by a cleaner of temporary files, is made anew.
package final class ScratchSpace: HostCheck {
    private enum Command: Sendable {
        case run(@Sendable () -> Void)
        case stop
    }

    private let commands: Mailbox<Command>
    private let root: String
    private let restore: @Sendable () throws(ScratchFolder.Failure) -> Bool
    private let onRestore: @Sendable () -> Void
    private let reserve = FileReserve()
    /// The folders of running attempts.
    private let inUse = Mutex<Set<String>>([])
    /// How much could not be written last; a probe writes as much.
    private let missingRoom = Mutex(0)

    /// In a worker's own folder.
    /// - Parameter onRestore: hears that somebody removed it and that it is there again; must return at once.
    /// - Throws: when the system has no thread or no file descriptor left.
    package convenience init(
        in folder: WorkerFolder, onRestore: @escaping @Sendable () -> Void = {}
    ) throws(IOError) {
        try self.init(root: folder.path, onRestore: onRestore) { () throws(ScratchFolder.Failure) in
            try folder.restore()
        }
    }

    /// - Parameters:
    ///   - root: where the folders are made.
    ///   - restore: makes the root anew where it is gone; says whether it did.
    init(
        root: String, onRestore: @escaping @Sendable () -> Void = {},
        restore: @escaping @Sendable () throws(ScratchFolder.Failure) -> Bool = { () throws(ScratchFolder.Failure) in
            false
        }
    ) throws(IOError) {
        self.root = root
        self.onRestore = onRestore
        self.restore = restore
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
        let made: Result<ScratchFolder, ScratchFolder.Failure> = await perform { self.folder(input: input) }
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
            self.inUse.withLock { _ = $0.remove(folder.path) }
            return result
        }
    }

    /// Whether a folder with a file can be made and a program started: what is missing, in words; nil where nothing is.
    package func probe() async -> String? {
        let size = missingRoom.withLock { $0 }
        let tried = await perform { () -> String? in
            switch self.folder(input: [UInt8](repeating: 0x20, count: size)) {
            case .success(let folder):
                close(folder.input)
                folder.remove()
                self.inUse.withLock { _ = $0.remove(folder.path) }
                return nil
            case .failure(let failure): return failure.description
            }
        }
        if let tried { return tried }
        missingRoom.withLock { $0 = 0 }
        do {
            _ = try await Subprocess.run(.path("/bin/true"), output: .discarded, error: .discarded)
            return nil
        } catch {
            // A machine without that program has come as far as looking for it, in a process of its own.
            return HostFault.words(for: error)
        }
    }

    /// Makes anew what was removed under running commands, so that they can still write their results.
    package func tend() async {
        await perform {
            // Failed, the next command's start tells of it.
            if (try? self.restore()) == true { self.onRestore() }
            for path in self.inUse.withLock({ $0 }) { _ = unsafe mkdir(path, 0o700) }
        }
    }

    /// This object's thread only.
    private func folder(input: [UInt8]) -> Result<ScratchFolder, ScratchFolder.Failure> {
        guard FileReserve.hasRoom else {
            return .failure(ScratchFolder.Failure(what: "too few files may be open", errno: EMFILE))
        }
        do throws(ScratchFolder.Failure) {
            return .success(try made(input: input))
        } catch {
            missingRoom.withLock { $0 = max($0, input.count) }
            return .failure(error)
        }
    }

    private func made(input: [UInt8]) throws(ScratchFolder.Failure) -> ScratchFolder {
        let folder: ScratchFolder
        do throws(ScratchFolder.Failure) {
            folder = try ScratchFolder(in: root, input: input)
        } catch {
            guard error.errno == ENOENT, try restore() else { throw error }
            onRestore()
            folder = try ScratchFolder(in: root, input: input)
        }
        inUse.withLock { _ = $0.insert(folder.path) }
        return folder
    }

    private func perform<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            // Never refused: the box closes with this object, which its caller holds.
            commands.post(.run { continuation.resume(returning: work()) })
        }
    }
}
