import Glibc
import SystemPackage

extension FileDescriptor {
    /// A pipe that no program inherits which another test starts meanwhile: held open there, it would never end.
    static func pipeOfOurOwn() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        let ends = try FileDescriptor.pipe()
        for end in [ends.readEnd, ends.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        return ends
    }
}
