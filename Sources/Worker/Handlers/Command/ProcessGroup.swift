internal import Glibc
internal import IOThread
internal import Synchronization

/// Stops a command with everything it started: SIGTERM to its process group, SIGKILL after the grace. The guard, if
/// there is one, kills the group should this process end first.
///
/// The group's number is that of its leader; the kernel gives it to nobody else while the unreaped leader or any
/// process of the group is there.
final class ProcessGroup: Sendable {
    private struct State {
        var id: pid_t?
        var stopCause: CommandVerdict.StopCause?
        var killsAt: ContinuousClock.Instant?
        var killTask: Task<Void, Never>?
        var isReaped = false
        var grace: Duration
    }

    private let state: Mutex<State>
    private let commandGuard: CommandGuard?

    init(grace: Duration, commandGuard: CommandGuard? = nil) {
        state = Mutex(State(grace: grace))
        self.commandGuard = commandGuard
    }

    /// Whether a process was ever started.
    var didStart: Bool { state.withLock { $0.id != nil } }

    /// Why the group was asked to end, if it was.
    var stopCause: CommandVerdict.StopCause? { state.withLock { $0.stopCause } }

    /// The process exists; a stop that was asked for before is carried out now.
    func started(_ id: pid_t) {
        state.withLock { state in
            state.id = id
            commandGuard?.watch(id)
            if state.stopCause != nil { terminate(id, &state) }
        }
    }

    /// Asks the group to end. Only the first cause counts, and none when the leader has ended by itself already.
    /// - Parameter grace: shortens the group's own, never lengthens it.
    func stop(_ cause: CommandVerdict.StopCause, within grace: Duration? = nil) {
        state.withLock { state in
            guard state.stopCause == nil, !state.isReaped else { return }
            if let grace { state.grace = min(state.grace, grace) }
            if let id = state.id {
                guard !Self.hasExited(leader: id) else { return }
                terminate(id, &state)
            }
            state.stopCause = cause
        }
    }

    /// Kills what the leader left behind when it ended by itself. Called while its output is still read: a child that
    /// goes on writing would keep the attempt open for ever.
    func killLeftoversIfLeaderEnded() {
        state.withLock { state in
            guard let id = state.id, state.stopCause == nil, !state.isReaped, Self.hasExited(leader: id) else { return }
            kill(-id, SIGKILL)
        }
    }

    /// The leader is gone for good. A group that was asked to end keeps the rest of its grace, any other is killed now;
    /// nothing of it is left when this returns.
    @concurrent
    func leaderWasReaped() async {
        let (id, killsAt) = state.withLock { state in
            state.isReaped = true
            state.killTask?.cancel()
            state.killTask = nil
            return (state.id, state.killsAt)
        }
        guard let id else { return }
        defer { commandGuard?.forget(id) }
        if let killsAt { await Self.waitForEnd(of: id, until: killsAt) }
        guard kill(-id, SIGKILL) == 0 else { return }
        // Nothing survives the signal, but a process stuck in the kernel takes it late: then it is not waited for.
        await Self.waitForEnd(of: id, until: .now + .seconds(1))
    }

    private func terminate(_ id: pid_t, _ state: inout State) {
        kill(-id, SIGTERM)
        state.killsAt = .now + state.grace
        state.killTask = Task { [grace = state.grace] in
            // Cancelled when the leader has ended before its grace: then the sweep does the rest.
            guard (try? await Deadlines.shared.sleep(for: grace)) != nil else { return }
            self.state.withLock { state in
                if !state.isReaped { kill(-id, SIGKILL) }
            }
        }
    }

    private static func hasExited(leader id: pid_t) -> Bool {
        var info = unsafe siginfo_t()
        guard unsafe waitid(P_PID, id_t(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0 else {
            // No longer a child: it has been reaped a moment ago.
            return errno == ECHILD
        }
        return unsafe info.si_signo == SIGCHLD
    }

    private static func waitForEnd(of id: pid_t, until deadline: ContinuousClock.Instant) async {
        var pause = Duration.milliseconds(5)
        while ContinuousClock.now < deadline {
            // Orphans are ours when this is a container's first process, and nobody else would bury them.
            while waitpid(-id, nil, WNOHANG) > 0 {}
            guard kill(-id, 0) == 0 || errno == EPERM else { return }
            // Asking for each process is dear, so the cheap question above is asked a few times before.
            if pause >= .milliseconds(40), !ProcessTable.hasLiveMember(ofGroup: id) { return }
            // Nobody cancels the task this runs in.
            try? await Task.sleep(for: min(pause, deadline - .now))
            pause = min(pause * 2, .milliseconds(320))
        }
    }
}
