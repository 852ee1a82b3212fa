internal import FoundationEssentials
internal import Glibc

/// The folder of a spool: its files by name, their sizes. Every call may wait for the disk.
struct SpoolDirectory: Sendable {
    static let suffix = ".ndjson"
    /// Lines that nobody can read stay here, for a person.
    static let asideSuffix = ".unreadable"

    let path: String

    /// Makes the folder and those above it, for this user alone.
    func create() throws(SpoolError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            let parent = made.isEmpty ? "/" : made
            made += "/\(part)"
            if unsafe mkdir(made, 0o700) == 0 {
                // The new folder's own name has to last as well.
                try Self.sync(parent)
            } else if errno != EEXIST {
                let cause = errno
                // Some file systems refuse before they look whether it is there.
                guard unsafe access(made, X_OK) == 0 else { throw .folderUnusable(path: path, errno: cause) }
            }
        }
        try checkTrust()
    }

    /// Whether it is a folder of this user alone, and no link: what others can put there is not published in this
    /// user's name, and what this user spools there they could take away. No folder at all is fine.
    func checkTrust() throws(SpoolError) {
        var info = stat()
        guard unsafe lstat(path, &info) == 0 else {
            if errno == ENOENT { return }
            throw .folderUnusable(path: path, errno: errno)
        }
        switch info.st_mode & S_IFMT {
        case S_IFDIR: break
        case S_IFLNK: throw .folderNotOurs(path: path, why: "it is a symbolic link")
        default: throw .folderNotOurs(path: path, why: "it is no folder")
        }
        guard info.st_uid == geteuid() else {
            throw .folderNotOurs(path: path, why: "it belongs to the user \(info.st_uid), not to \(geteuid())")
        }
        guard info.st_mode & 0o022 == 0 else {
            let mode = String(info.st_mode & 0o777, radix: 8)
            throw .folderNotOurs(path: path, why: "others may write there (mode \(mode))")
        }
    }

    /// Makes the names of the folder's files last: a file that is synced under a name that is not may be lost.
    func sync() throws(SpoolError) { try Self.sync(path) }

    private static func sync(_ folder: String) throws(SpoolError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .folderUnusable(path: folder, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .folderUnusable(path: folder, errno: errno) }
    }

    /// The spool files of a kind, the oldest first; none when there is no folder.
    func files(of kinds: Set<SpoolKind>) throws(SpoolError) -> [String] {
        try names().filter { name in
            name.hasSuffix(Self.suffix) && kinds.contains { name.hasPrefix("\($0.rawValue)-") }
        }.sorted { Self.time(of: $0) < Self.time(of: $1) }
    }

    /// The files of lines that nobody could read.
    func filesAside() throws(SpoolError) -> [String] {
        try names().filter { $0.hasSuffix(Self.asideSuffix) }.sorted()
    }

    /// Bytes of all files.
    func size() throws(SpoolError) -> Int {
        try names().reduce(0) { $0 + (Self.size(of: "\(path)/\($1)") ?? 0) }
    }

    /// Nil when there is no such file (any more).
    static func size(of file: String) -> Int? {
        var info = stat()
        return unsafe lstat(file, &info) == 0 ? Int(info.st_size) : nil
    }

    /// `orders-1764000000000000000-1234-9f3a11c0.ndjson`: what, when, whose. The random part keeps processes apart that
    /// have the same id in different containers.
    static func freshName(_ kind: SpoolKind) -> String {
        let time = String(Int64(Date().timeIntervalSince1970 * 1_000_000_000))
        let digits = String(repeating: "0", count: max(0, 19 - time.count)) + time
        return "\(kind.rawValue)-\(digits)-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16))\(suffix)"
    }

    private static func time(of name: String) -> Substring { name.drop { $0 != "-" } }

    private func names() throws(SpoolError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw .folderUnusable(path: path, errno: errno)
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name.hasSuffix(Self.suffix) || name.hasSuffix(Self.asideSuffix) { names.append(name) }
        }
        return names
    }
}
