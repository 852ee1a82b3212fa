internal import Glibc

/// A program to run, without a shell, with exactly the environment given.
struct Command: Sendable {
    /// argv; the first is an absolute path.
    var arguments: [String]
    var environment: [String]
    var folder: String
    /// Whom it runs as; nil means the current user.
    var account: ServerAccount?
    /// Its standard input; it never sees ours.
    var input = ""

    private var name: String { arguments.first ?? "" }

    /// Runs the program to its end.
    /// - Returns: what it wrote to standard output and standard error.
    /// - Throws: ``StackError/commandFailed(name:status:output:)`` unless it exits with 0.
    func run() async throws -> String {
        let scratch = try ScratchFile()
        let process = try spawn(output: scratch.descriptor)
        let status = try await Self.wait(for: process)
        let output = scratch.text()
        guard status == 0 else {
            throw StackError.commandFailed(name: name, status: status, output: String(output.suffix(2_000)))
        }
        return output
    }

    /// Starts the program as a daemon: a session of its own, no child of ours, output appended to a file.
    func launchDetached(output path: String) async throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StackError.folderUnusable(path: path, reason: "It could not be opened (errno \(errno))")
        }
        defer { close(descriptor) }
        var daemon = self
        daemon.arguments = ["/usr/bin/setsid", "--fork"] + (account?.prefix ?? []) + arguments
        daemon.account = nil
        let status = try await Self.wait(for: daemon.spawn(output: descriptor))
        guard status == 0 else { throw StackError.commandFailed(name: name, status: status, output: "") }
    }

    /// Looks again and again instead of blocking a thread; these programs take milliseconds.
    private static func wait(for process: pid_t) async throws -> Int32 {
        var status: Int32 = 0
        var pause = Duration.milliseconds(1)
        while true {
            let ended = unsafe waitpid(process, &status, WNOHANG)
            if ended == process { break }
            if ended < 0, errno != EINTR { throw StackError.notSpawned(name: "a program", errno: errno) }
            do {
                try await Task.sleep(for: pause)
            } catch {
                kill(process, SIGKILL)
                _ = unsafe waitpid(process, &status, 0)
                throw error
            }
            pause = min(pause * 2, .milliseconds(20))
        }
        // The two halves of a wait status: the signal that ended it, or its exit code.
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    private func spawn(output: Int32) throws -> pid_t {
        let scratch = try ScratchFile()
        scratch.fill(with: input, owner: account)
        let launcher = ["/usr/bin/env", "--chdir=\(folder)"] + (account?.prefix ?? [])
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, scratch.descriptor, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        // A server must not keep a pipe open whose end somebody waits for, nor a lock that somebody gave us.
        for inherited in Self.inheritableDescriptors() {
            unsafe posix_spawn_file_actions_addclose(&actions, inherited)
        }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Signals that we block or ignore must reach the server.
        var all = sigset_t()
        var none = sigset_t()
        unsafe sigfillset(&all)
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        let argv = unsafe (launcher + arguments).map { argument in unsafe strdup(argument) } + [nil]
        let envp = unsafe environment.map { variable in unsafe strdup(variable) } + [nil]
        defer {
            let strings = unsafe argv + envp
            for index in unsafe strings.indices { unsafe free(strings[index]) }
        }
        var process: pid_t = 0
        let status = unsafe posix_spawn(&process, "/usr/bin/env", &actions, &attributes, argv, envp)
        guard status == 0 else { throw StackError.notSpawned(name: name, errno: status) }
        return process
    }

    /// What a child would get without knowing: all but the standard three and those marked close-on-exec.
    private static func inheritableDescriptors() -> [Int32] {
        FolderListing.names(in: "/proc/self/fd").compactMap { name in Int32(name) }
            .filter { descriptor in
                let flags = fcntl(descriptor, F_GETFD)
                return descriptor > 2 && flags >= 0 && flags & FD_CLOEXEC == 0
            }
    }
}
