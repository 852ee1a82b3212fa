internal import FoundationEssentials
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
            return AttemptFailure(.infrastructure, PlainText.line(missing(program, reason)), retry: .never)
        case .failedToChangeWorkingDirectory:
            return AttemptFailure(
                .infrastructure,
                PlainText.line(
                    "the working directory \(configuration.workingDirectory ?? "") can't be entered\(reason); "
                        + "correct working_directory in moose.yaml"), retry: .never)
        case .spawnFailed:
            if error.underlyingError?.rawValue == EACCES {
                return AttemptFailure(.infrastructure, PlainText.line(missing(program, reason)), retry: .never)
            }
            let canPass = error.underlyingError.map { Self.passingErrors.contains($0.rawValue) } ?? false
            return AttemptFailure(
                .infrastructure, PlainText.line("\(program) could not be started: \(error)"),
                retry: canPass ? .backoff : .never)
        default:
            return AttemptFailure(.infrastructure, PlainText.line("the command could not be followed: \(error)"))
        }
    }

    /// Which of three it is: there is none of that name, it may not be executed, or what its first line names is missing.
    private func missing(_ program: String, _ reason: String) -> String {
        guard let path = path(of: program)?.string, FileManager.default.fileExists(atPath: path) else {
            let place = program.contains("/") ? "" : " from the folders of PATH"
            return "the program \(program) is missing\(place)\(reason); install it, or correct argv in moose.yaml"
        }
        guard FileManager.default.isExecutableFile(atPath: path) else {
            return "the program \(program) is not executable\(reason); allow it with chmod +x, or correct argv in "
                + "moose.yaml"
        }
        return "the program \(program) can't be executed\(reason): what its first line names may be missing, or it is "
            + "for another machine"
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
