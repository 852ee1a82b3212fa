internal import FoundationEssentials
internal import Glibc

/// What the guard of a worker's commands knows: the process groups that run. See ``CommandGuard``.
package struct GuardDuty {
    private(set) var groups: Set<pid_t> = []
    private var rest: [UInt8] = []

    package init() {}

    /// Takes what the worker wrote: lines of `+` or `-` and the number of a group.
    mutating func hear(_ bytes: some Sequence<UInt8>) {
        rest += bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            rest.removeSubrange(...end)
            // 0 and 1 would be the guard's own group and everybody.
            guard let group = pid_t(line.dropFirst()), group > 1 else { continue }
            if line.hasPrefix("+") { groups.insert(group) } else { groups.remove(group) }
        }
    }

    /// Listens until the other side is gone, then kills what is left and removes the folder. Blocks its thread.
    package mutating func serve(input: Int32, folder: String) {
        for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_IGN) }
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { room in unsafe read(input, room.baseAddress, room.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            hear(chunk[..<count])
        }
        for group in groups { kill(-group, SIGKILL) }
        // Whoever waits for the guard's end may start the same work again: then nothing of it must be left here. What
        // is stuck in the kernel is not waited for.
        for _ in 1...100 where groups.contains(where: ProcessTable.hasLiveMember) { usleep(10_000) }
        // Gone already after a stop in good order; what a command locked away stays for the next worker to try.
        try? FileManager.default.removeItem(atPath: folder)
    }
}
