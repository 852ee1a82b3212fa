internal import Glibc
internal import Logging
internal import Synchronization

/// Standard error, one whole line at a time.
package enum StandardError {
    /// How many bytes of lines may wait for a reader: some thousand lines.
    private static let limit = 1_048_576
    /// How long the end of a process waits for a reader who takes nothing.
    private static let patience = Duration.seconds(1)

    private static let writer = Mutex<LineWriter?>(nil)

    /// From now on nobody who writes waits for the reader. Without it, as in a command that a person runs, each write does.
    ///
    /// - Parameter format: of the line that tells how many others were left out.
    static func queueLines(format: LogFormat) {
        // A process that can't have another thread writes as before.
        let new = try? LineWriter(to: STDERR_FILENO, limit: limit) { Array(notice($0, format).utf8) }
        writer.withLock { $0 = $0 ?? new }
    }

    /// Lines nobody will ever read, since the start.
    package static var droppedLines: Int { writer.withLock { $0 }?.dropped ?? 0 }

    /// Writes the text. What can't be written is dropped: a log must not stop the work it reports on.
    package static func write(_ text: String) {
        if let writer = writer.withLock({ $0 }) { return writer.write(Array(text.utf8)) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&entry, 1, -1)
                continue
            }
            // Nobody reads: there is no better place to say so.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Before the process ends: writes what waits, but not for a reader who takes nothing.
    package static func flush() { writer.withLock { $0 }?.flush(patience: patience) }

    static func notice(_ count: Int, _ format: LogFormat) -> String {
        let line = LogLine(
            timestamp: .now, level: .warning, label: "log",
            message: "\(count) lines were left out here: nobody read standard error", error: nil,
            metadata: ["lines": .stringConvertible(count)])
        return switch format {
        case .json: line.json
        case .people(let colour): line.forPeople(colour: colour)
        }
    }
}
