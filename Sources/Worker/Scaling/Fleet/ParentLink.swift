internal import FoundationEssentials
internal import Glibc
internal import IOThread

/// A supervised process's line to its parent: it reads messages from standard input and writes reports to standard
/// output.
package final class ParentLink: Sendable {
    /// What the parent says. Ends when the parent is gone.
    package let messages: AsyncStream<ParentMessage>

    /// Takes over standard input and output. A parent that reads nothing must not stop the work: from now on no report
    /// waits for it. The pipe it writes to is this process's and its parent's alone.
    /// - Parameter onAny: called at once with every message and at the end, before anybody listens to ``messages``.
    /// - Throws: `IOError` when the system has no thread left.
    package init(onAny: @escaping @Sendable () -> Void = {}) throws {
        let (messages, message) = AsyncStream<ParentMessage>.makeStream()
        self.messages = messages
        _ = fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK)
        let thread = try IOThread(name: "parent") {
            var splitter = LineSplitter()
            var buffer = [UInt8](repeating: 0, count: 256)
            while true {
                let count = unsafe buffer.withUnsafeMutableBytes {
                    unsafe read(STDIN_FILENO, $0.baseAddress, $0.count)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                for line in splitter.take(buffer.prefix(count)) {
                    // A newer parent may know more messages; those that matter end the process in the end.
                    guard let text = ParentMessage(rawValue: line) else { continue }
                    onAny()
                    message.yield(text)
                }
            }
            onAny()
            message.finish()
        }
        thread.detach()
    }

    /// Tells the parent how this process is. A report that doesn't fit just now is left out: the next one follows.
    package func send(_ report: ProcessReport) throws {
        let line = try report.line()
        _ = unsafe line.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
