internal import FoundationEssentials
internal import Glibc

/// The files of one private stack.
///
///     FOLDER/stack.json, stack.lock     owner only
///     FOLDER/servers/                   configuration and output of the servers; a link when root's home hides FOLDER
///     FOLDER/servers/broker, database   data, owned by the user the servers run as
struct StackLayout: Sendable {
    /// The folder, absolute and without links: it also marks our processes.
    let folder: String
    let servers: String
    /// Whom the servers run as; nil means the current user.
    let account: ServerAccount?

    var record: String { Self.record(in: folder) }
    func data(of server: StackServer) -> String { "\(servers)/\(server.rawValue)" }
    func output(of server: StackServer) -> String { "\(servers)/\(server.rawValue).log" }

    static func record(in folder: String) -> String { "\(folder)/stack.json" }
    static func lock(in folder: String) -> String { "\(folder)/stack.lock" }
    static func link(in folder: String) -> String { "\(folder)/servers" }

    /// A socket's path ends up in a field of 108 bytes: this leaves room for `/database/.s.PGSQL.12345`.
    private static let longestServersPath = 75

    /// The folder as an absolute path, made if it is missing.
    static func makeFolder(_ folder: String) throws -> String {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755]
            )
        } catch {
            throw StackError.folderUnusable(path: folder, reason: "It could not be made (errno \(errno))")
        }
        return try absolute(folder)
    }

    static func exists(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: folder) }

    static func absolute(_ folder: String) throws -> String {
        guard let path = unsafe realpath(folder, nil) else { throw StackError.neverStarted(folder: folder) }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// Makes all folders the servers need and decides where the data live. Repeating it changes nothing.
    static func prepare(folder: String) throws -> StackLayout {
        let link = link(in: folder)
        let account = try ServerAccount.forServers(existingData: "\(link)/database")
        var status = stat()
        if unsafe lstat(link, &status) != 0 {
            if isUsable(link, for: account) {
                try makePrivateFolder(link)
            } else {
                let elsewhere = try makeFolderElsewhere(for: folder)
                guard unsafe symlink(elsewhere, link) == 0 else {
                    throw StackError.folderUnusable(path: link, reason: "It could not be made (errno \(errno))")
                }
            }
        } else if status.st_mode & S_IFMT == S_IFLNK {
            // Cleaners of temporary folders may have taken what the link names.
            _ = try makeFolderElsewhere(for: folder)
        }
        let layout = try StackLayout(folder: folder, servers: absolute(link), account: account)
        for server in StackServer.allCases { try layout.makeDataFolder(layout.data(of: server)) }
        return layout
    }

    /// The layout of a stack that exists.
    static func existing(folder: String) throws -> StackLayout {
        let link = link(in: folder)
        let account = try ServerAccount.forServers(existingData: "\(link)/database")
        return try StackLayout(folder: folder, servers: absolute(link), account: account)
    }

    /// Deletes the servers' data and logs, wherever they are.
    static func removeServers(of folder: String) throws {
        let link = link(in: folder)
        var status = stat()
        guard unsafe lstat(link, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFLNK {
            let target = elsewhere(for: folder)
            if unsafe lstat(target, &status) == 0 { try FileManager.default.removeItem(atPath: target) }
        }
        try FileManager.default.removeItem(atPath: link)
    }

    // MARK: Where the data live

    private static func isUsable(_ servers: String, for account: ServerAccount?) -> Bool {
        guard servers.utf8.count <= longestServersPath else { return false }
        guard let account else { return true }
        var parent = Substring(servers)
        while let slash = parent.lastIndex(of: "/"), slash != parent.startIndex {
            parent = parent[..<slash]
            guard account.mayEnter(String(parent)) else { return false }
        }
        return true
    }

    /// FNV-1a of the folder: short, stable, one per clone.
    private static func elsewhere(for folder: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in folder.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "/var/tmp/moose-\(geteuid())-\(String(hash, radix: 36))"
    }

    private static func makeFolderElsewhere(for folder: String) throws -> String {
        let path = elsewhere(for: folder)
        try makePrivateFolder(path)
        return path
    }

    /// The place is foreseeable, so somebody else may have taken it: only a folder of our own will do.
    private static func makePrivateFolder(_ path: String) throws {
        if unsafe mkdir(path, 0o711) != 0, errno != EEXIST {
            throw StackError.folderUnusable(path: path, reason: "It could not be made (errno \(errno))")
        }
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw StackError.folderUnusable(path: path, reason: "It belongs to another user")
        }
        unsafe chmod(path, 0o711)
    }

    private func makeDataFolder(_ path: String) throws {
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw StackError.folderUnusable(path: path, reason: "It could not be made (errno \(errno))")
        }
        if let account, unsafe lchown(path, account.user, account.group) != 0 {
            throw StackError.folderUnusable(path: path, reason: "Its owner could not be set (errno \(errno))")
        }
    }

    // MARK: Files

    /// Writes a configuration file that the servers may read but not change.
    /// - Returns: whether it differs from what was there.
    @discardableResult
    func writeConfiguration(_ text: String, name: String) throws -> Bool {
        let path = "\(servers)/\(name)"
        if let old = FileManager.default.contents(atPath: path), Array(old) == Array(text.utf8) { return false }
        try Self.write(Array(text.utf8), to: path, mode: 0o640, group: account?.group)
        return true
    }

    /// Replaces a file at once, so that a crash leaves the old one or the new one.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t, group: gid_t?) throws {
        let draft = "\(path).new"
        unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else {
            throw StackError.folderUnusable(path: draft, reason: "It could not be written (errno \(errno))")
        }
        defer { close(descriptor) }
        var isWritten = true
        if let group { isWritten = fchown(descriptor, geteuid(), group) == 0 }
        // Debian's umask takes the group's right away.
        isWritten = fchmod(descriptor, mode) == 0 && isWritten
        isWritten = unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count && isWritten
        guard isWritten, unsafe rename(draft, path) == 0 else {
            throw StackError.folderUnusable(path: path, reason: "It could not be written (errno \(errno))")
        }
    }

    /// The last lines of a log, for error messages.
    static func tail(of path: String, lines: Int = 15) -> String {
        guard let text = FileManager.default.contents(atPath: path) else { return "" }
        return String(decoding: text.suffix(8_192), as: UTF8.self)
            .split(separator: "\n").suffix(lines).joined(separator: "\n")
    }
}
