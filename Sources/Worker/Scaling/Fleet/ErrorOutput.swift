internal import Glibc
internal import IOThread
internal import SystemPackage

/// The standard error of a process and of everything it leaves behind, read to its very end.
///
/// The library that starts processes stops reading when the process itself has ended. But its guard writes to the same pipe
/// and lives until the commands are gone: only the end of the pipe tells that nothing runs any more.
final class ErrorOutput: Sendable {
    /// For the process; closed in this one once it has started.
    let writer: FileDescriptor
    private let ends: AsyncStream<Void>

    /// - Parameter onLine: called on a thread of its own, with each line.
    /// - Throws: `Errno` or ``IOError`` when the system has no descriptor or thread left.
    init(onLine: @escaping @Sendable (String) -> Void) throws {
        var pipe: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&pipe) == 0 else { throw Errno(rawValue: errno) }
        let (reader, writer) = (pipe[0], pipe[1])
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.writer = FileDescriptor(rawValue: writer)
        let (ends, end) = AsyncStream<Void>.makeStream()
        self.ends = ends
        do {
            try IOThread(name: "moose-stderr") {
                Self.read(reader, onLine)
                close(reader)
                end.finish()
            }.detach()
        } catch {
            close(reader)
            close(writer)
            throw error
        }
    }

    /// Whether it came to its end in this time.
    func isAtEnd(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [ends] in
                for await _ in ends {}
                return !Task.isCancelled
            }
            group.addTask {
                // Cancelled: the end came first.
                try? await Deadlines.shared.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private static func read(_ reader: Int32, _ onLine: (String) -> Void) {
        var splitter = LineSplitter()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(reader, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for line in splitter.take(buffer[..<count]) { onLine(line) }
        }
        if let line = splitter.end() { onLine(line) }
    }
}
