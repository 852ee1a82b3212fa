internal import Glibc

/// A small shell that outlives the test process, however that ends, and then removes its private stack.
enum Watchdog {
    /// It waits for the end of a pipe that only this process holds open: the kernel closes it even after kill -9.
    private static let script = """
        trap '' INT TERM HUP
        read -r _
        for round in 1 2 3; do
            for file in /proc/[0-9]*/environ; do
                if grep -qzF -e "MOOSE_STACK=broker:$1/" -e "MOOSE_STACK=database:$1/" "$file"; then
                    process=${file#/proc/}
                    kill -9 "${process%/environ}"
                fi
            done
            sleep 0.1
        done
        for link in "$1"/.*/servers; do
            data=$(readlink "$link") && rm -rf -- "$data"
        done
        rm -rf -- "$1"
        """

    /// - Parameter folder: of the tests, absolute; stacks are in folders below it.
    static func start(guarding folder: String) throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw WatchdogError(errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let arguments = ["/usr/bin/setsid", "--fork", "/bin/sh", "-c", script, "moose-test-watchdog", folder]
        let argv = unsafe arguments.map { argument in unsafe strdup(argument) } + [nil]
        let envp = unsafe [strdup("PATH=/usr/bin:/bin"), nil]
        defer {
            let strings = unsafe argv + envp
            for index in unsafe strings.indices { unsafe free(strings[index]) }
        }
        var process: pid_t = 0
        let status = unsafe posix_spawn(&process, arguments[0], &actions, nil, argv, envp)
        close(ends[0])
        guard status == 0 else { throw WatchdogError(errno: status) }
        var ended: Int32 = 0
        // setsid only forks; waiting for it takes no time and leaves no zombie. The other end stays open on purpose.
        _ = unsafe waitpid(process, &ended, 0)
    }
}

/// The test process could not make sure that its servers end with it.
struct WatchdogError: Error {
    let errno: Int32
}
