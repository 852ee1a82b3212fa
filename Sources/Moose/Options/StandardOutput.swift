@unsafe @preconcurrency internal import Glibc

/// Where answers go. `print` only fills a buffer, and says nothing when writing it fails.
enum StandardOutput {
    /// Writes what is still in the buffer.
    ///
    /// - Returns: whether all that was ever printed has been written, or else nobody reads it any more, as behind
    ///   `| head -1`. If not, standard error has been told why.
    static func isWritten() -> Bool {
        let isFlushed = unsafe fflush(stdout) == 0
        let reason = errno
        // A part may have failed before, when the buffer was full.
        let hasFailed = unsafe ferror(stdout) != 0
        guard !isFlushed || hasFailed else { return true }
        if isAbandoned { return true }
        let why = isFlushed ? nil : unsafe String(cString: strerror(reason))
        StandardError.write(CommandFailure("the answer could not be written to standard output", why: why).description)
        StandardError.write("\n")
        return false
    }

    /// Whether it is a pipe or a socket whose reader has gone.
    private static var isAbandoned: Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&output, 1, 0) > 0 else { return false }
        return output.revents & Int16(POLLERR | POLLHUP) != 0
    }
}
