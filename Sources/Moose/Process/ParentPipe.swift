internal import CLinux
internal import Glibc
internal import IOThread
internal import SystemPackage

/// What a copy of this program that `moose up` keeps has as its standard input: first a handover, then nothing, and the end of
/// it when the one that keeps it is gone, however it ended.
enum ParentPipe {
    /// In the environment of such a copy.
    static let mark = "MOOSE_HELD"
    private static let size: Int32 = 1_048_576

    /// The reading end for the copy, with the environment to start it with, and the end to hold as long as it shall run.
    static func make(
        _ environment: [String: String]
    ) throws -> (input: (descriptor: Int32, environment: [String: String]), hold: Int32) {
        var (open, handed) = Handover.split(environment)
        open[mark] = "1"
        var ends: [Int32] = [-1, -1]
        // All of it fits, so that nobody waits for a copy that hasn't begun to read.
        guard unsafe moose_pipe(&ends, size) == 0 else { throw Errno(rawValue: errno) }
        guard unsafe handed.withUnsafeBytes({ unsafe write(ends[1], $0.baseAddress, $0.count) }) == handed.count else {
            for end in ends { close(end) }
            throw Errno.noSpace
        }
        return ((ends[0], open), ends[1])
    }

    /// Calls back once, when the other end is gone; never in a process that nobody holds.
    static func onEnd(_ body: @escaping @Sendable () -> Void) throws {
        guard unsafe getenv(mark) != nil else { return }
        unsafe unsetenv(mark)
        try IOThread(name: "moose-parent") {
            var byte: UInt8 = 0
            while true {
                let count = unsafe read(STDIN_FILENO, &byte, 1)
                if count > 0 || count < 0 && errno == EINTR { continue }
                return body()
            }
        }.detach()
    }
}
