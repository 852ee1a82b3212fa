internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// The folder below the temporary one that holds all attempts' folders of one process.
///
/// Locks on the folder itself and on a file in it, which the system drops with the process, say that its owner lives, so
/// that folders of the dead can be removed, and so that cleaners that honour locks, as systemd's does, leave it alone. The
/// file is for file systems where a folder can't be locked.
package final class WorkerFolder: Sendable {
    private static let prefix = "moose-worker-"
    /// How old a folder without a lock has to be before it counts as abandoned: one is made and locked in an instant.
    private static let settling: TimeInterval = 60

    package let path: String
    private let locks: Mutex<Locks>

    /// What is open while the owner lives.
    private struct Locks {
        var folder: Int32
        var file: Int32

        func close() {
            Glibc.close(folder)
            Glibc.close(file)
        }
    }

    /// Makes one, and removes those whose owners are gone.
    /// - Parameter parent: an absolute path; see ``TemporaryFolder``.
    package init(in parent: String) throws(ScratchFolder.Failure) {
        Self.removeAbandoned(in: parent)
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw ScratchFolder.Failure(what: "no temporary folder could be made in \(parent)", errno: errno)
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        locks = Mutex(try Self.lock(path))
    }

    deinit { locks.withLock { $0.close() } }

    /// Makes it anew, under its name, where somebody has removed it.
    /// - Returns: whether it did.
    func restore() throws(ScratchFolder.Failure) -> Bool {
        if isThere { return false }
        guard unsafe mkdir(path, 0o700) == 0 else {
            throw ScratchFolder.Failure(
                what: "the worker's temporary folder \(path) was removed and could not be made anew", errno: errno)
        }
        let new = try Self.lock(path)
        locks.withLock { locks in
            locks.close()
            locks = new
        }
        return true
    }

    /// Removes it with everything in it; the process runs no command any more.
    package func remove() { Self.remove(path) }

    /// Whether what stands under its name is what was locked.
    private var isThere: Bool {
        var named = stat()
        var locked = stat()
        guard unsafe lstat(path, &named) == 0, locks.withLock({ unsafe fstat($0.folder, &locked) }) == 0 else {
            return false
        }
        return named.st_dev == locked.st_dev && named.st_ino == locked.st_ino
    }

    private static func lock(_ path: String) throws(ScratchFolder.Failure) -> Locks {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        // Where folders can't be locked the file has to do.
        if folder >= 0 { waitForLock(folder) }
        let file = unsafe open(path + "/locking", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        // Locked before it has its name: a file of that name without a lock has lost its owner.
        guard folder >= 0, file >= 0, flock(file, LOCK_EX | LOCK_NB) == 0,
            unsafe rename(path + "/locking", path + "/lock") == 0
        else {
            let code = errno
            Locks(folder: folder, file: file).close()
            throw ScratchFolder.Failure(what: "no file could be locked in \(path)", errno: code)
        }
        return Locks(folder: folder, file: file)
    }

    /// Whoever looks whether it is abandoned holds the lock for a moment.
    private static func waitForLock(_ folder: Int32) {
        for _ in 1...100 {
            if flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return }
            usleep(10_000)
        }
    }

    private static func removeAbandoned(in parent: String) {
        // A folder nobody may read has none of ours.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            if isAbandoned(path) { remove(path) }
        }
    }

    private static func isAbandoned(_ path: String) -> Bool {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        var status = stat()
        guard unsafe fstat(folder, &status) == 0, status.st_uid == geteuid(), isFree(folder) else { return false }
        let file = unsafe open(path + "/lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else {
            return errno == ENOENT && Date().timeIntervalSince1970 - Double(status.st_mtim.tv_sec) > settling
        }
        defer { close(file) }
        return isFree(file)
    }

    /// Whether nobody holds the lock; where there are no locks, it may be so.
    private static func isFree(_ descriptor: Int32) -> Bool {
        flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }

    private static func remove(_ path: String) {
        // What a command locked away from its own user stays behind, and is tried again by the next worker.
        try? FileManager.default.removeItem(atPath: path)
    }
}
