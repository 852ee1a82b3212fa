/// How far a long command is: one line redrawn on a terminal, a line every few seconds in a pipe.
///
/// Pure: the caller passes the time and prints what comes back, on standard error.
struct ProgressBar: Sendable {
    /// Between two redraws on a terminal.
    private static let redraw = Duration.milliseconds(100)
    /// Between two lines in a pipe.
    private static let report = Duration.seconds(5)

    private let title: String
    private let total: Int?
    private let terminal: Terminal
    private var lastDrawn: Duration?

    /// A bar for `total` steps; nil when nobody knows how many there are.
    init(title: String, total: Int?, terminal: Terminal) {
        self.title = PrintableText.oneLine(title)
        self.total = total
        self.terminal = terminal
    }

    /// What to print now that `done` steps took `elapsed`; nil when it is too early to print again.
    ///
    /// - Parameter note: what else there is to say, behind the figures.
    mutating func update(done: Int, elapsed: Duration, note: String? = nil) -> String? {
        let pause = terminal.isTTY ? Self.redraw : Self.report
        // In a pipe the first line comes after a pause too: a quick command prints only its end.
        let since = elapsed - (lastDrawn ?? (terminal.isTTY ? elapsed - pause : .zero))
        guard since >= pause else { return nil }
        lastDrawn = elapsed
        let text = [line(done: done, elapsed: elapsed, isDone: false), note].compactMap { $0 }.joined(separator: "  ")
        return frame(text, isDone: false)
    }

    /// What to print at the end.
    func finish(done: Int, elapsed: Duration) -> String {
        frame(line(done: done, elapsed: elapsed, isDone: true), isDone: true)
    }

    private func frame(_ line: String, isDone: Bool) -> String {
        guard terminal.isTTY else { return line + "\n" }
        // To the line's start, the text, and erase what an earlier, longer one left.
        return "\r" + PrintableText.truncated(line, to: terminal.width - 1) + "\u{1B}[K" + (isDone ? "\n" : "")
    }

    private func line(done: Int, elapsed: Duration, isDone: Bool) -> String {
        let seconds = elapsed / .seconds(1)
        let rate = seconds > 0 ? Double(done) / seconds : 0
        let speed = "\(NumberText.grouped(Int(min(rate, 1e15))))/s"
        var parts = [title]
        guard let total, total > 0 else {
            return "\(title)  \(NumberText.grouped(done))  \(speed)  \(TimeText.remaining(seconds: seconds))"
        }
        let share = min(1, max(0, Double(done) / Double(total)))
        if terminal.isTTY { parts.append(bar(share)) }
        parts.append("\(NumberText.grouped(done))/\(NumberText.grouped(total))")
        parts.append("\(Int(share * 100))%")
        parts.append(speed)
        if isDone {
            parts.append("in \(TimeText.remaining(seconds: seconds))")
        } else if rate > 0 {
            parts.append("\(TimeText.remaining(seconds: Double(max(0, total - done)) / rate)) left")
        }
        return parts.joined(separator: "  ")
    }

    private func bar(_ share: Double) -> String {
        let width = min(30, max(8, terminal.width - 60))
        let filled = Int((share * Double(width)).rounded(.down))
        let (full, rest) = terminal.hasUnicode ? ("█", "░") : ("#", "-")
        return String(repeating: full, count: filled) + String(repeating: rest, count: width - filled)
    }
}
