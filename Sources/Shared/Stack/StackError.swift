/// Why a private stack couldn't be used: what happened, why, and what to do next. Never holds a password.
package enum StackError: Error, CustomStringConvertible {
    /// Programs of these Debian packages are not on this machine.
    case missingPackages([String])
    /// The folder can't be used: no permission, full disk, or somebody else's.
    case folderUnusable(path: String, reason: String)
    /// Another process has been starting or stopping this stack for the whole waiting time.
    case busy(lock: String)
    /// Nothing was started in this folder yet.
    case neverStarted(folder: String)
    /// The server ended, or didn't answer in time. `tail` is the end of its log.
    case notReady(StackServer, reason: String, log: String, tail: String)
    /// A helper program of a server failed. `output` is the end of what it said.
    case commandFailed(name: String, status: Int32, output: String)
    /// The system started no process.
    case notSpawned(name: String, errno: Int32)
    /// The data belong to a PostgreSQL that is not installed.
    case otherDatabaseVersion(found: String, data: String)
    /// Nearly every port between 20000 and 32000 is taken.
    case noFreePort

    package var description: String {
        switch self {
        case .missingPackages(let names):
            "a program is missing. The private stack needs \(names.joined(separator: " and ")). "
                + "Run `make setup`, or `sudo apt-get install \(names.joined(separator: " "))`"
        case .folderUnusable(let path, let reason):
            "the folder \(path) can't be used. \(reason). Choose another with --folder, or correct its owner"
        case .busy(let lock):
            "the private stack is busy. Another process holds \(lock). Wait for it, or end it, and try again"
        case .neverStarted(let folder):
            "no private stack in \(folder). Nothing was started there yet. Run `moose stack start`"
        case .notReady(let server, let reason, let log, let tail):
            "\(server.productName) did not start. \(reason). See \(log)" + (tail.isEmpty ? "" : "; it ends:\n\(tail)")
        case .commandFailed(let name, let status, let output):
            "\(name) failed with status \(status)" + (output.isEmpty ? "" : ". It said:\n\(output)")
        case .notSpawned(let name, let errno):
            "\(name) could not be started (errno \(errno)). Check that it is installed, and `ulimit -u`"
        case .otherDatabaseVersion(let found, let data):
            "PostgreSQL \(found) is missing. \(data) was made by it. Install postgresql-\(found), "
                + "or start anew with `moose stack stop --remove`"
        case .noFreePort:
            "no free port. Nothing between 20000 and 32000 could be bound on 127.0.0.1. End some of the listeners"
        }
    }
}
