internal import Glibc

/// The file that one process appends to, under a lock that the kernel gives back when the process dies.
final class SpoolWriter {
    let path: String
    private let descriptor: Int32
    private var size = 0
    /// After a failure that leaves the file's end unknown nothing more may be appended to it.
    private(set) var isBroken = false
    private var hasLastingName = false
    private let directory: SpoolDirectory

    init(_ kind: SpoolKind, in directory: SpoolDirectory) throws(SpoolError) {
        try directory.create()
        self.directory = directory
        while true {
            let path = "\(directory.path)/\(SpoolDirectory.freshName(kind))"
            let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw .notWritten(path: path, errno: errno) }
            // Between the two calls somebody may have adopted the empty file, and deleted it: then another is made.
            var info = stat()
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, unsafe fstat(descriptor, &info) == 0, info.st_nlink > 0 {
                self.path = path
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    deinit {
        // Given back by hand: a child that is just being started may hold the descriptor a moment longer.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Returns when the bytes, which are whole lines, will survive a power cut.
    ///
    /// The data are synced before the file's name: the other way round, a crash between the two could leave a name that
    /// looks as if the lines had been kept. Success is said only after both.
    func append(_ bytes: [UInt8]) throws(SpoolError) {
        var offset = 0
        while offset < bytes.count {
            let rest = bytes.span.extracting(offset...)
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                offset += count
            } else if count == 0 || errno != EINTR {
                let cause = errno
                // Half a line is taken back, so that the next one doesn't stick to it.
                isBroken = ftruncate(descriptor, off_t(size)) != 0
                throw .notWritten(path: path, errno: cause)
            }
        }
        guard fsync(descriptor) == 0 else {
            // The kernel may have dropped what it could not write and call the next sync a success: the file counts
            // as torn from here on, and the lines are written to another.
            isBroken = true
            throw .notWritten(path: path, errno: errno)
        }
        if !hasLastingName {
            try directory.sync()
            hasLastingName = true
        }
        size += bytes.count
    }
}
