internal import FoundationEssentials
internal import Glibc

/// The folder below the temporary one that holds all attempts' folders of one process. A lock that the system drops with
/// the process says that its owner lives, so that folders of the dead can be removed.
package final class WorkerFolder: Sendable {
    private static let prefix = "moose-worker-"
    /// How old a folder without a lock has to be before it counts as abandoned: one is made and locked in an instant.
    private static let settling: TimeInterval = 60

    package let path: String
    private let lock: Int32

    /// Makes one, and removes those whose owners are gone.
    /// - Parameter parent: nil is `TMPDIR`, and `/tmp` without one.
    package init(in parent: String? = nil) throws {
        let parent = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        Self.removeAbandoned(in: parent)
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw ScratchFolder.Failure(what: "no temporary folder could be made in \(parent)", errno: errno)
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        lock = unsafe open(path + "/locking", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        // Locked before it has its name: a file of that name without a lock has lost its owner.
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0, unsafe rename(path + "/locking", path + "/lock") == 0
        else {
            throw ScratchFolder.Failure(what: "no file could be locked in \(path)", errno: errno)
        }
    }

    deinit { close(lock) }

    /// Removes it with everything in it; the process runs no command any more.
    package func remove() { Self.remove(path) }

    private static func removeAbandoned(in parent: String) {
        // A folder nobody may read has none of ours.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            if isAbandoned(path) { remove(path) }
        }
    }

    private static func isAbandoned(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            return false
        }
        let file = unsafe open(path + "/lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else {
            return errno == ENOENT && Date().timeIntervalSince1970 - Double(status.st_mtim.tv_sec) > settling
        }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) == 0
    }

    private static func remove(_ path: String) {
        // What a command locked away from its own user stays behind, and is tried again by the next worker.
        try? FileManager.default.removeItem(atPath: path)
    }
}
