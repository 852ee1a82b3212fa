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
        let code: Int32? = isFlushed ? codeOfNextWrite() : reason
        let why = code.map { code in unsafe String(cString: strerror(code)) }
        StandardError.write(CommandFailure("the answer could not be written to standard output", why: why).description)
        StandardError.write("\n")
        return false
    }

    /// Why writing failed earlier, which the stream has forgotten: what is written now meets the same. Nil where it doesn't.
    private static func codeOfNextWrite() -> Int32? {
        unsafe write(STDOUT_FILENO, "\n", 1) < 0 ? errno : nil
    }

    /// Whether it is a pipe or a socket whose reader has gone.
    private static var isAbandoned: Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&output, 1, 0) > 0 else { return false }
        return output.revents & Int16(POLLERR | POLLHUP) != 0
    }
}
