/// How a command ends when it can't do what was asked: printed on standard error, without a stack trace.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    /// What didn't happen, such as `can't publish the work order`.
    let what: String
    /// The reason, without secrets.
    let why: String?
    /// What to do next, such as a command to run.
    let next: String?
    /// What the process exits with. Default ``ExitStatus/failed``.
    let status: ExitStatus

    init(_ what: String, why: String? = nil, next: String? = nil, status: ExitStatus = .failed) {
        self.what = what
        self.why = why
        self.next = next
        self.status = status
    }

    /// `moose: what. why. what to do next`, each part a sentence.
    var description: String { "moose: \(sentences)" }

    /// The same without the program's name, to stand inside another text.
    var sentences: String {
        [what, why, next].compactMap { $0 }.filter { !$0.isEmpty }.map(Self.sentence).joined(separator: " ")
    }

    /// The part with a full stop, unless it ends in a mark of its own.
    private static func sentence(_ text: String) -> String {
        guard let last = text.last, !".!?:\n".contains(last) else { return text }
        return text + "."
    }
}
