internal import Glibc
internal import Subprocess
internal import SystemPackage

/// Failures that are the machine's: it was short of something, and no order is to blame.
enum HostFault {
    private static let codes: Set<CInt> = [EAGAIN, ENOMEM, EMFILE, ENFILE, ENOBUFS, ENOSPC, EDQUOT]

    /// Whether the system's code says that the machine was short of something.
    static func contains(_ code: CInt) -> Bool { codes.contains(code) }

    /// What the machine was short of when a program could not be started, in words; nil where something else was wrong.
    static func words(for error: any Error) -> String? {
        guard let error = error as? SubprocessError, let code = error.underlyingError?.rawValue, contains(code),
            error.code != .executableNotFound, error.code != .failedToChangeWorkingDirectory
        else { return nil }
        return "this machine can't start a program (\(ScratchFolder.words(for: code))): \(advice(for: code))"
    }

    static func advice(for code: CInt) -> String {
        switch code {
        case EMFILE, ENFILE: "raise `ulimit -n` or give the worker fewer slots"
        case EAGAIN: "raise `ulimit -u` or the limit of the control group, or give the worker fewer slots"
        case ENOSPC, EDQUOT: "make room"
        default: "it needs more memory, or fewer slots"
        }
    }
}
