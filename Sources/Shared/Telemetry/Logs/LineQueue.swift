internal import DequeModule

/// Lines on their way to a reader who may be slow, within a bound. Pure.
struct LineQueue {
    /// How many bytes may wait.
    let limit: Int
    private var lines: Deque<[UInt8]> = []
    private var bytes = 0
    /// Lines left out since the last one that went in.
    private var missed = 0
    /// Lines left out, or taken and not written, since the start.
    private(set) var dropped = 0

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { lines.isEmpty }

    /// Takes a line, or leaves it out where there is no room. What was left out is told before the next line that has room.
    /// - Parameter notice: makes the line that tells how many are missing.
    mutating func append(_ line: [UInt8], notice: (Int) -> [UInt8]) {
        guard bytes + line.count <= limit else { return leaveOut() }
        if missed > 0 {
            let told = notice(missed)
            // Room for both, and some more: else it would be one line in, one line out.
            guard bytes + told.count + line.count <= limit / 2 else { return leaveOut() }
            push(told)
            missed = 0
        }
        push(line)
    }

    /// Takes out what was put in first. Whatever was left out is told when nothing else waits any more.
    mutating func next(notice: (Int) -> [UInt8]) -> [UInt8]? {
        if let line = lines.popFirst() {
            bytes -= line.count
            return line
        }
        guard missed > 0 else { return nil }
        defer { missed = 0 }
        return notice(missed)
    }

    /// A line that was taken out could not be written.
    mutating func wasLost() { dropped += 1 }

    private mutating func leaveOut() {
        missed += 1
        dropped += 1
    }

    private mutating func push(_ line: [UInt8]) {
        lines.append(line)
        bytes += line.count
    }
}
