internal import Glibc
internal import IOThread
internal import SystemPackage

/// The standard input of a process of a group, with this process at the other end.
///
/// A pair of sockets and not a pipe: in its first moment a process can still be read by others of its user, and a pipe
/// could be opened in its `/proc` and emptied of the secrets that are handed over. A socket can't be opened there.
final class ChildInput: Sendable {
    /// For the process; closed in this one once it has started.
    let reader: FileDescriptor
    private let writer: FileDescriptor

    /// - Throws: `Errno` when the system has no descriptor left.
    init() throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        reader = FileDescriptor(rawValue: ends[0])
        writer = FileDescriptor(rawValue: ends[1])
    }

    /// Waits while the process doesn't read.
    /// - Throws: `Errno` when the process is gone; `CancellationError`.
    func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
            let count = unsafe rest.withUnsafeBytes { unsafe send(writer.rawValue, $0.baseAddress, $0.count, flags) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try await Deadlines.shared.sleep(for: .milliseconds(10))
            } else if errno != EINTR {
                throw Errno(rawValue: errno)
            }
        }
    }

    /// The process reads the end of its input.
    func close() {
        // Nothing is left to be lost: what was written is the process's already.
        try? writer.close()
    }
}
