import Glibc
import Synchronization

/// Standard error, one whole line at a time.
enum StandardError {
    /// Keeps lines longer than a pipe's atomic write from mixing.
    private static let turn = Mutex(())

    /// Writes the text. What can't be written within a second (nobody reads the pipe) or at all is dropped: a log must
    /// not stop the work it reports on.
    static func write(_ text: String) {
        turn.withLock { _ in
            let bytes = text.utf8.span
            var offset = 0
            var patience = 10
            while offset < bytes.count {
                let rest = bytes.extracting(offset...)
                let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
                if count > 0 {
                    offset += count
                } else if count < 0, errno == EINTR {
                    continue
                } else if count < 0, errno == EAGAIN, patience > 0 {
                    patience -= 1
                    var descriptor = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                    _ = unsafe poll(&descriptor, 1, 100)
                } else {
                    return
                }
            }
        }
    }
}
