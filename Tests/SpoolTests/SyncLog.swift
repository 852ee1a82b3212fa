import Glibc
import Synchronization

/// What this process has had written to the disk itself, and not only into the kernel's memory. Otherwise only a power
/// cut would tell the difference.
enum SyncLog {
    private struct File: Hashable {
        let device: UInt
        let number: UInt

        init(_ info: stat) {
            device = UInt(info.st_dev)
            number = UInt(info.st_ino)
        }

        init?(_ path: String) {
            var info = stat()
            guard unsafe stat(path, &info) == 0 else { return nil }
            self.init(info)
        }
    }

    private static let synced = Mutex<[File: Int]>([:])
    private static let failing = Mutex<Set<File>>([])

    /// How many bytes a file or folder had when it was synced last; nil when it never was.
    static func size(of path: String) -> Int? { File(path).flatMap { file in synced.withLock { $0[file] } } }

    /// The disk fails at the next sync of this file.
    static func failOnce(_ path: String) {
        guard let file = File(path) else { return }
        failing.withLock { _ = $0.insert(file) }
    }

    fileprivate static func sync(_ descriptor: Int32) -> Int32 {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else { return -1 }
        let file = File(info)
        guard failing.withLock({ $0.remove(file) }) == nil else {
            errno = EIO
            return -1
        }
        // The same to the disk, but for times that no test looks at.
        guard fdatasync(descriptor) == 0 else { return -1 }
        synced.withLock { $0[file] = Int(info.st_size) }
        return 0
    }
}

/// The linker takes this one before the C library's.
@_cdecl("fsync")
func watchedSync(_ descriptor: Int32) -> Int32 { SyncLog.sync(descriptor) }
