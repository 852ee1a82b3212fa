internal import Glibc

/// Why a message could not be kept on disk, or not be read from there. Nothing of the append is on disk for certain.
package enum SpoolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The folder can't be made, opened or listed.
    case folderUnusable(path: String, errno: Int32)
    /// Somebody else can put files into the folder: nothing is read from there, and nothing written.
    case folderNotOurs(path: String, why: String)
    /// A file could not be written: no space, or a failing disk.
    case notWritten(path: String, errno: Int32)
    /// A file could not be read.
    case notRead(path: String, errno: Int32)
    /// The spool holds as much as it may.
    case full(path: String, limit: Int)
    /// The system has no thread or descriptor left.
    case system(String)

    package var description: String {
        switch self {
        case .folderUnusable(let path, let errno):
            "the spool folder \(path) can't be used: \(Self.words(errno)). "
                + "Make it writable, or name another (spool.folder in moose.yaml, MOOSE_SPOOL_FOLDER)"
        case .folderNotOurs(let path, let why):
            "the spool folder \(path) is not used: \(why). What stands there could be anybody's. Look at it; then make it "
                + "a folder of this user with mode 0700, or name another (spool.folder in moose.yaml, MOOSE_SPOOL_FOLDER)"
        case .notWritten(let path, let errno):
            "the spool file \(path) can't be written: \(Self.words(errno)). Make room, or name another folder"
        case .notRead(let path, let errno):
            "the spool file \(path) can't be read: \(Self.words(errno)). It stays where it is"
        case .full(let path, let limit):
            "the spool \(path) is full: it may hold \(limit) bytes. "
                + "Bring the broker back and run `moose spool flush`, or raise spool.max_bytes in moose.yaml"
        case .system(let reason): "the system refused a resource for the spool: \(reason)"
        }
    }

    private static func words(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}
