internal import Glibc
internal import IOThread
internal import Synchronization

/// Writes lines to a descriptor on a thread of its own, so that whoever logs never waits for a reader.
///
/// The descriptor stays as it is: to make it non-blocking would do the same to everybody who shares the pipe or the
/// terminal. The thread may therefore hang in a write for as long as nobody reads; meanwhile lines wait within a bound,
/// and what doesn't fit is left out and counted.
final class LineWriter: Sendable {
    private struct State {
        var queue: LineQueue
        /// A line has been taken out and is being written.
        var isWriting = false
        /// Bytes written so far: tells a slow reader from none.
        var written = 0
    }

    private let descriptor: Int32
    private let notice: @Sendable (Int) -> [UInt8]
    private let state: Mutex<State>
    private let signal: WakeSignal

    /// - Parameters:
    ///   - limit: how many bytes may wait.
    ///   - notice: makes the line that tells how many are missing.
    /// - Throws: when the system has no thread or no descriptor left.
    init(to descriptor: Int32, limit: Int, notice: @escaping @Sendable (Int) -> [UInt8]) throws(IOError) {
        self.descriptor = descriptor
        self.notice = notice
        state = Mutex(State(queue: LineQueue(limit: limit)))
        signal = try WakeSignal()
        try IOThread(name: "moose-log") { self.serve() }.detach()
    }

    /// Lines that were left out or could not be written.
    var dropped: Int { state.withLock { $0.queue.dropped } }

    /// Takes a line, with its line break, and returns at once.
    func write(_ line: [UInt8]) {
        let mustWake = state.withLock { state in
            defer { state.queue.append(line, notice: notice) }
            return state.queue.isEmpty && !state.isWriting
        }
        if mustWake { signal.raise() }
    }

    /// Waits until all is written, or the reader has taken nothing for so long. Blocks its caller: for the end of a
    /// process only.
    func flush(patience: Duration) {
        var seen = -1
        var deadline = ContinuousClock.now
        while true {
            let (isDone, written) = state.withLock { ($0.queue.isEmpty && !$0.isWriting, $0.written) }
            if isDone { return }
            if written != seen {
                seen = written
                deadline = .now + patience
            }
            guard ContinuousClock.now < deadline else { return }
            usleep(1000)
        }
    }

    private func serve() {
        var pollSet = PollSet()
        pollSet.add(signal.fileDescriptor, .readable)
        while true {
            pollSet.wait(until: nil)
            signal.clear()
            while let line = next() { put(line) }
        }
    }

    private func next() -> [UInt8]? {
        state.withLock { state in
            let line = state.queue.next(notice: notice)
            state.isWriting = line != nil
            return line
        }
    }

    private func put(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                state.withLock { $0.written += count }
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN {
                // Somebody who shares it has made it non-blocking.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&entry, 1, -1)
            } else {
                // A closed pipe, a terminal that is gone, a full disk: the next line may fare better.
                return state.withLock { $0.queue.wasLost() }
            }
        }
    }
}
