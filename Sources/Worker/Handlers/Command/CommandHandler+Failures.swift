internal import Glibc
internal import Subprocess
internal import SystemPackage
internal import WorkOrders

extension CommandHandler {
    /// Why the program could not be started or followed, in words, and whether another attempt can help.
    func failure(for error: any Error) -> AttemptFailure {
        let program = configuration.argv.first ?? ""
        guard let error = error as? SubprocessError else {
            return AttemptFailure(.infrastructure, PlainText.line("the command could not be run: \(error)"))
        }
        let reason = error.underlyingError.map { ": \($0)" } ?? ""
        switch error.code {
        case .executableNotFound:
            return AttemptFailure(
                .infrastructure,
                PlainText.line(
                    "\(program) is missing or can't be executed\(reason); install it, make it executable, or correct "
                        + "argv in moose.yaml"), retry: .never)
        case .failedToChangeWorkingDirectory:
            return AttemptFailure(
                .infrastructure,
                PlainText.line(
                    "the working directory \(configuration.workingDirectory ?? "") can't be entered\(reason); "
                        + "correct working_directory in moose.yaml"), retry: .never)
        case .spawnFailed:
            let canPass = error.underlyingError.map { Self.passingErrors.contains($0.rawValue) } ?? false
            return AttemptFailure(
                .infrastructure, PlainText.line("\(program) could not be started: \(error)"),
                retry: canPass ? .backoff : .never)
        default:
            return AttemptFailure(.infrastructure, PlainText.line("the command could not be followed: \(error)"))
        }
    }

    /// The program was being replaced, or could not be read: another attempt may find it better. What the machine is
    /// short of is no failure of an attempt: see ``HostFault``.
    private static let passingErrors: Set<CInt> = [ETXTBSY, EINTR, EIO]
}

extension CommandVerdict.Ending {
    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled(let signal): self = .signalled(signal)
        }
    }
}
