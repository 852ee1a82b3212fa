internal import Glibc

/// The unprivileged user the servers run as when Moose runs as root: PostgreSQL refuses to be root, and RabbitMQ
/// needs no privilege either.
struct ServerAccount: Equatable, Sendable {
    let user: uid_t
    let group: gid_t

    /// nil when this process is not root: then the servers run as its own user.
    ///
    /// Data that exist keep their owner; otherwise `postgres` (made by the Debian package), else `nobody`.
    static func forServers(existingData: String) throws -> ServerAccount? {
        guard geteuid() == 0 else { return nil }
        var status = stat()
        if unsafe stat(existingData, &status) == 0, status.st_uid != 0 {
            return ServerAccount(user: status.st_uid, group: status.st_gid)
        }
        for name in ["postgres", "nobody"] {
            if let entry = unsafe getpwnam(name) {
                return unsafe ServerAccount(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
            }
        }
        throw StackError.folderUnusable(
            path: existingData,
            reason: "PostgreSQL must not run as root, and neither `postgres` nor `nobody` exists"
        )
    }

    /// Puts before a command what makes it run as this user, with none of root's groups.
    var prefix: [String] {
        ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--no-new-privs"]
    }

    /// Whether this user may pass through a folder.
    func mayEnter(_ folder: String) -> Bool {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { return false }
        if status.st_uid == user { return status.st_mode & S_IXUSR != 0 }
        if status.st_gid == group { return status.st_mode & S_IXGRP != 0 }
        return status.st_mode & S_IXOTH != 0
    }
}
