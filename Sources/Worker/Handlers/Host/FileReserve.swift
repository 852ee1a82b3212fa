internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Keeps commands from being started when the process is about to run out of file descriptors.
///
/// The library that starts them gives the whole process up when it can make one pipe and not the next. So only a few
/// start at a time (it starts them one by one in any case), each while there is room for all of these and for what the
/// rest of the worker opens in the meantime.
final class FileReserve: Sendable {
    /// How many may be starting.
    static let turns = 16
    /// What one start opens at most, most of it for a moment: two pipes, the input, the folder, the process.
    static let perStart = 8
    /// Left for connections and logs.
    private static let forOthers = 64
    /// What has to be free besides what is open: by the worker itself and by running commands.
    static let least = turns * perStart + forOthers

    private struct State {
        var freeTurns = FileReserve.turns
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Waits for a turn to start a command, first come first served. Turns last milliseconds, so nothing cuts the wait
    /// short. Give it back with ``leave()`` when the start has succeeded or failed.
    func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.freeTurns == 0 else {
                    state.freeTurns -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func leave() {
        let next = state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() as CheckedContinuation? }
            state.freeTurns += 1
            return nil
        }
        next?.resume()
    }

    /// Whether every turn could be used now. Reads `/proc`.
    static var hasRoom: Bool {
        guard let limit = HostLimits.limit(RLIMIT_NOFILE), let open = openFiles else { return false }
        return limit.rlim_cur >= rlim_t(open + least)
    }

    /// How many files the process has open; nil where that can't be seen. Reads `/proc`.
    static var openFiles: Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        var entries = 0
        while unsafe readdir(folder) != nil { entries += 1 }
        // The folder itself, the one above, and what this function has open.
        return max(0, entries - 3)
    }
}
