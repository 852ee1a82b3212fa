internal import Glibc
internal import Synchronization

/// A spool file that nobody appends to any more, under its lock: read in order, then deleted.
final class SpoolReader: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        /// So many bytes of the buffer are known to hold no line break: a line may be long.
        var searched = 0
        var isAtEnd = false
    }

    private static let batchBytes = 8 << 20

    let path: String
    private let descriptor: Int32
    private let state = Mutex(State())

    /// Nil when a living process has the file, or when it is gone.
    init?(_ path: String) throws(SpoolError) {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .notRead(path: path, errno: errno)
        }
        var info = stat()
        // Whoever had the lock before may have deleted the file while this one waited to open it.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, unsafe fstat(descriptor, &info) == 0, info.st_nlink > 0 else {
            close(descriptor)
            return nil
        }
        guard info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid(), info.st_nlink == 1 else {
            flock(descriptor, LOCK_UN)
            close(descriptor)
            throw .folderNotOurs(path: path, why: "this file is not one of this user's own")
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // Given back by hand: a child that is just being started may hold the descriptor a moment longer.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The next lines, without their breaks; empty at the end. The last one may lack its end: it was torn.
    /// - Parameter limit: lines; fewer when they are large.
    func next(_ limit: Int) throws(SpoolError) -> [[UInt8]] {
        let result = state.withLock { state -> Result<[[UInt8]], SpoolError> in
            do throws(SpoolError) {
                return .success(try next(limit, &state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func next(_ limit: Int, _ state: inout State) throws(SpoolError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var bytes = 0
        while lines.count < limit, bytes < Self.batchBytes {
            var start = 0
            while lines.count < limit,
                let end = state.buffer[max(start, state.searched)...].firstIndex(of: UInt8(ascii: "\n"))
            {
                if end > start { lines.append(Array(state.buffer[start..<end])) }
                bytes += end - start
                start = end + 1
            }
            state.buffer.removeFirst(start)
            state.searched = lines.count < limit ? state.buffer.count : 0
            if lines.count >= limit || state.isAtEnd { break }
            try read(&state)
            if state.isAtEnd, !state.buffer.isEmpty { state.buffer.append(UInt8(ascii: "\n")) }
        }
        return lines
    }

    private func read(_ state: inout State) throws(SpoolError) {
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                state.buffer += chunk[..<count]
                return
            }
            if count == 0 {
                state.isAtEnd = true
                return
            }
            guard errno == EINTR else { throw .notRead(path: path, errno: errno) }
        }
    }

    /// Keeps lines that nobody can read in a file beside this one, for a person.
    func putAside(_ lines: [[UInt8]]) throws(SpoolError) -> String {
        let aside = String(path.dropLast(SpoolDirectory.suffix.count)) + SpoolDirectory.asideSuffix
        let file = unsafe open(aside, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .notWritten(path: aside, errno: errno) }
        defer { close(file) }
        let bytes = lines.flatMap { $0 + [UInt8(ascii: "\n")] }
        var offset = 0
        while offset < bytes.count {
            let rest = bytes.span.extracting(offset...)
            let count = unsafe rest.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw .notWritten(path: aside, errno: errno) }
            offset += max(0, count)
        }
        guard fsync(file) == 0 else { throw .notWritten(path: aside, errno: errno) }
        return aside
    }

    /// Deletes the file. A crash may bring its name back: then it is replayed again, under the same ids.
    func delete() throws(SpoolError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .notWritten(path: path, errno: errno) }
    }
}
