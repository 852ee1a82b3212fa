import Glibc
import Synchronization
import Testing

@testable import Telemetry

/// A log must never stop the work it reports on, whoever reads it or doesn't.
@Suite struct LineWriterTests {
    private static let notice: @Sendable (Int) -> [UInt8] = { Array("missing \($0)\n".utf8) }

    @Test func `lines beyond the bound are left out, counted, and told of where they are missing`() {
        var queue = LineQueue(limit: 100)
        for number in 0..<20 { queue.append(Array("line \(number)..\n".utf8), notice: Self.notice) }
        var read: [String] = []
        while let line = queue.next(notice: Self.notice) { read.append(String(decoding: line, as: UTF8.self)) }
        #expect(read.first == "line 0..\n")
        #expect(read.last == "missing \(20 - (read.count - 1))\n")
        #expect(queue.dropped == 20 - (read.count - 1))
        queue.append(Array("again\n".utf8), notice: Self.notice)
        let (next, last) = (queue.next(notice: Self.notice), queue.next(notice: Self.notice))
        #expect(next == Array("again\n".utf8) && last == nil)
    }

    @Test func `while the reader is slow, a gap stands before the first line after it`() {
        var queue = LineQueue(limit: 100)
        for number in 0..<9 { queue.append(Array("old \(number)....\n".utf8), notice: Self.notice) }
        queue.append(Array("left out....\n".utf8), notice: Self.notice)
        for _ in 0..<8 { _ = queue.next(notice: Self.notice) }
        queue.append(Array("new\n".utf8), notice: Self.notice)
        var read: [String] = []
        while let line = queue.next(notice: Self.notice) { read.append(String(decoding: line, as: UTF8.self)) }
        #expect(read.last == "new\n")
        #expect(read.dropLast().last == "missing \(queue.dropped)\n")
        #expect(queue.dropped > 0)
    }

    @Test func `nobody waits for a pipe that nobody reads, and it stays as it was for others`() throws {
        let pipe = try Pipe()
        let writer = try LineWriter(to: pipe.writer, limit: 10_000, notice: Self.notice)
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
        // Far more than the pipe and the queue take: returning at all is the point.
        for _ in 0..<1000 { writer.write(line) }
        #expect(writer.dropped > 900)
        #expect(fcntl(pipe.writer, F_GETFL) & O_NONBLOCK == 0)
        writer.flush(patience: .milliseconds(10))
        let dropped = writer.dropped
        var text: [UInt8] = []
        while text.count < (1000 - dropped) * line.count { text += pipe.read() }
        writer.flush(patience: .seconds(60))
        writer.write(Array("after\n".utf8))
        writer.flush(patience: .seconds(60))
        text += pipe.rest()
        // The thread may have taken some lines between those that were left out: then there are several gaps.
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        let missing = lines.filter { $0.hasPrefix("missing ") }.compactMap { Int($0.dropFirst(8)) }.reduce(0, +)
        #expect(missing == dropped)
        #expect(lines.last == "after")
    }

    @Test func `a pipe that somebody has made non-blocking loses nothing`() throws {
        let pipe = try Pipe()
        _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK)
        let writer = try LineWriter(to: pipe.writer, limit: 1_000_000, notice: Self.notice)
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
        for _ in 0..<500 { writer.write(line) }
        var seen = 0
        while seen < 500 * line.count { seen += pipe.read().count }
        writer.flush(patience: .seconds(60))
        #expect(writer.dropped == 0)
    }

    @Test func `what can't be written is counted and holds nothing up`() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = try Pipe()
        pipe.closeReader()
        let writer = try LineWriter(to: pipe.writer, limit: 10_000, notice: Self.notice)
        for _ in 0..<3 { writer.write(Array("x\n".utf8)) }
        writer.flush(patience: .seconds(60))
        #expect(writer.dropped == 3)
    }

    @Test func `the line that tells of others is one of the log's form`() {
        #expect(StandardError.notice(3, .json).contains(#""message":"3 lines were left out here"#))
        #expect(StandardError.notice(3, .people(colour: false)).contains("3 lines were left out here"))
    }

    private final class Pipe: Sendable {
        let writer: Int32
        private let reader: Mutex<Int32>

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(unsafe Glibc.pipe(&ends) == 0)
            reader = Mutex(ends[0])
            writer = ends[1]
        }

        deinit {
            close(writer)
            closeReader()
        }

        func closeReader() {
            reader.withLock { reader in
                if reader >= 0 { close(reader) }
                reader = -1
            }
        }

        /// Reads what is there, at least one byte.
        func read() -> [UInt8] {
            var room = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe Glibc.read(reader.withLock { $0 }, &room, room.count)
            return Array(room.prefix(max(0, count)))
        }

        /// What is there now.
        func rest() -> [UInt8] {
            _ = fcntl(reader.withLock { $0 }, F_SETFL, O_NONBLOCK)
            return read()
        }
    }
}
