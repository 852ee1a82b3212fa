internal import Glibc

/// Starts, watches and stops one server of a stack.
struct ServerRun: Sendable {
    let folder: String
    let kind: StackServer

    private var processes: [ServerProcess] {
        ServerProcess.all(folder: folder).filter { process in process.server == kind }
    }

    /// The server's own process; nil when it isn't running.
    var leader: ServerProcess? { processes.first { process in process.isLeader } }

    /// Brings the server to the point where clients can use it. One that already is there stays as it is.
    func start(_ server: some Server, timeout: Duration) async throws {
        if leader != nil, try await !server.prepare() {
            // Somebody may have been killed half-way through starting it, so it gets time to come up.
            if try await isReady(server, within: .seconds(15)) { return try await server.finishStart() }
        }
        await stop()
        do {
            _ = try await server.prepare()
            server.clearRemains()
            try await server.launchCommand().launchDetached(output: output(of: server))
            guard try await isReady(server, within: timeout) else {
                let reason = leader == nil ? "It ended at once" : "It gave no answer within \(timeout)"
                let log = latestLog(of: server)
                throw StackError.notReady(kind, reason: reason, log: log, tail: StackLayout.tail(of: log))
            }
            try await server.finishStart()
        } catch {
            await kill()
            throw error
        }
    }

    private func output(of server: some Server) -> String { server.logs[server.logs.count - 1] }

    /// The one that was written last: a server that ends before it opens its log says why on its output.
    private func latestLog(of server: some Server) -> String {
        func written(_ path: String) -> Int {
            var status = stat()
            guard unsafe stat(path, &status) == 0, status.st_size > 0 else { return 0 }
            return status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1_000_000
        }
        return server.logs.max { written($0) < written($1) } ?? server.logs[0]
    }

    /// Asks until the server answers, the time is over, or the server is gone.
    private func isReady(_ server: some Server, within timeout: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + timeout
        var emptyLooks = 0
        while ContinuousClock.now < deadline {
            if try await server.probe.succeeds() { return true }
            // Before it is the server, the process is `setsid`, `setpriv` and a shell: any process of ours counts. In
            // the moment of an exec a process shows no environment, so one look that finds none proves nothing.
            emptyLooks = processes.isEmpty ? emptyLooks + 1 : 0
            guard emptyLooks < 20 else { return false }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// Asks the server to end, and kills what remains after the patience.
    func stop(patience: Duration = .seconds(20)) async {
        let ours = processes
        guard !ours.isEmpty else { return }
        let leaders = ours.filter(\.isLeader)
        if !leaders.isEmpty {
            for leader in leaders {
                leader.signal(kind.stopSignal, folder: folder)
                // A paused process takes the signal only when it goes on.
                leader.signal(SIGCONT, folder: folder)
            }
            await waitForEnd(of: leaders, patience: patience)
        }
        await kill()
    }

    /// Ends all processes of the server at once, as a crash would.
    func kill() async {
        let ours = processes
        for process in ours { process.signal(SIGKILL, folder: folder) }
        await waitForEnd(of: ours, patience: .seconds(10))
    }

    /// Sends a signal to the server and all its helpers.
    func signal(_ signal: Int32) {
        for process in processes { process.signal(signal, folder: folder) }
    }

    private func waitForEnd(of processes: [ServerProcess], patience: Duration) async {
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline, processes.contains(where: { $0.isAlive(folder: folder) }) {
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                // Cancelled: the callers shield stopping from that, so this only ends a wait nobody needs any more.
                return
            }
        }
    }
}
