internal import Glibc

/// A question before something that can't be taken back.
enum Confirmation {
    /// Returns when the answer is yes, given beforehand or on the terminal.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when it is no, and with ``ExitStatus/usage`` where nobody
    ///   can be asked.
    static func ask(_ question: String, isGiven: Bool) throws(CommandFailure) {
        if isGiven { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                "nothing was done", why: "There is no terminal to ask on: \(question)", next: "Say --yes",
                status: .usage)
        }
        StandardError.write("\(question) [y/N] ")
        guard let answer = readLine()?.lowercased(), ["y", "yes"].contains(answer) else {
            throw CommandFailure("nothing was done", status: .refused)
        }
    }
}
