internal import Glibc

/// Where temporary files are made: `TMPDIR`, and `/tmp` without one.
package enum TemporaryFolder {
    /// An absolute path of a folder this user may make files in.
    /// - Throws: what is wrong with it, and what to do.
    package static func path(environment: [String: String]) throws(ScratchFolder.Failure) -> String {
        let given = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 }
        let path = given ?? "/tmp"
        let what = given == nil ? "there is no temporary folder /tmp" : "TMPDIR, \(path), is of no use"
        guard path.hasPrefix("/") else {
            throw ScratchFolder.Failure(what: "TMPDIR, \(path), is not an absolute path", errno: EINVAL)
        }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw ScratchFolder.Failure(what: what, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw ScratchFolder.Failure(what: what, errno: ENOTDIR) }
        guard unsafe access(path, W_OK | X_OK) == 0 else { throw ScratchFolder.Failure(what: what, errno: errno) }
        return path
    }
}
