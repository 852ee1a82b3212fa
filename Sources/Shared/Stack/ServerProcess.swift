internal import Glibc

/// A process of a private stack, recognised by a mark in its environment instead of a pid file: a mark can't be stale,
/// can't name somebody else's process, and finds what a killed Moose left behind.
struct ServerProcess: Sendable, Equatable {
    let pid: pid_t
    let server: StackServer
    /// Whether this is the server itself, not one of its helpers.
    let isLeader: Bool

    /// The variable every process of a server inherits.
    static func mark(_ server: StackServer, folder: String) -> String { "MOOSE_STACK=\(server.rawValue):\(folder)" }

    /// All living processes of the stack in this folder (absolute), leaders first.
    static func all(folder: String) -> [ServerProcess] {
        let sightings = processIdentifiers().compactMap { pid in Sighting(pid, folder: folder) }
        let named = Set(sightings.filter { sighting in sighting.isNamedLikeLeader }.map(\.pid))
        let found = sightings.map { sighting in
            // PostgreSQL forks its helpers under its own name; after its death they live on without it.
            let isLeader = sighting.isNamedLikeLeader && sighting.isMarked && !named.contains(sighting.parent)
            return ServerProcess(pid: sighting.pid, server: sighting.server, isLeader: isLeader)
        }
        return found.filter(\.isLeader) + found.filter { process in !process.isLeader }
    }

    /// Whether the pid still is this process: pids are used again.
    func isAlive(folder: String) -> Bool { Sighting(pid, folder: folder)?.server == server }

    /// Sends a signal, having looked once more that the process is ours.
    func signal(_ signal: Int32, folder: String) {
        if isAlive(folder: folder) { kill(pid, signal) }
    }

    private static func processIdentifiers() -> [pid_t] {
        FolderListing.names(in: "/proc").compactMap { name in pid_t(name) }
    }
}

/// What /proc says about a process of ours.
private struct Sighting {
    let pid: pid_t
    let parent: pid_t
    let server: StackServer
    let isNamedLikeLeader: Bool
    let isMarked: Bool

    /// nil when there is no such process, it has ended, or it belongs to somebody else.
    init?(_ pid: pid_t, folder: String) {
        // "pid (name) state parent …", and the name may hold spaces and brackets.
        guard let stat = Self.read("/proc/\(pid)/stat"), let open = stat.firstIndex(of: UInt8(ascii: "(")),
            let close = stat.lastIndex(of: UInt8(ascii: ")")), open < close
        else { return nil }
        let name = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
        let fields = String(decoding: stat[(close + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 1, fields[0] != "Z", fields[0] != "X", let parent = pid_t(fields[1]) else { return nil }
        self.pid = pid
        self.parent = parent

        let variables = (Self.read("/proc/\(pid)/environ") ?? []).split(separator: 0)
        let marked = StackServer.allCases.first { server in
            let mark = Array(ServerProcess.mark(server, folder: folder).utf8)
            return variables.contains { variable in variable.elementsEqual(mark) }
        }
        if let marked {
            server = marked
        } else if name == StackServer.database.leaderName, Self.worksIn(folder, pid) {
            // PostgreSQL's helpers overwrite their environment with their title, but stay in the data folder.
            server = .database
        } else {
            return nil
        }
        isMarked = marked != nil
        isNamedLikeLeader = name == server.leaderName
    }

    private static func worksIn(_ folder: String, _ pid: pid_t) -> Bool {
        guard let servers = try? StackLayout.absolute(StackLayout.link(in: folder)),
            let current = try? StackLayout.absolute("/proc/\(pid)/cwd")
        else { return false }
        return current == Database.dataFolder(servers: servers)
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return ScratchFile.readAll(descriptor)
    }
}
