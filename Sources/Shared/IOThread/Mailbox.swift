internal import Synchronization

/// Commands for an I/O thread: appended from anywhere without waiting, drained whole by the one owner.
///
/// Posting is fire-and-forget and wakes the thread only when the box was empty, so a burst costs one system call.
package final class Mailbox<Command: Sendable>: Sendable {
    private struct State {
        var commands: [Command] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let signal: WakeSignal

    package init() throws(IOError) { signal = try WakeSignal() }

    /// Poll this together with the sockets: it is readable when commands wait.
    package var fileDescriptor: Int32 { signal.fileDescriptor }

    /// Appends a command; order is kept.
    /// - Returns: false when the box is closed: the command was not taken and nobody will run it.
    @discardableResult
    package func post(_ command: Command) -> Bool {
        let (wasTaken, mustWake) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.commands.append(command)
            return (true, state.commands.count == 1)
        }
        if mustWake { signal.raise() }
        return wasTaken
    }

    /// Takes everything that was posted, oldest first. Owner's thread only.
    package func drain() -> [Command] {
        signal.clear()
        return state.withLock { state in
            let taken = state.commands
            state.commands = []
            return taken
        }
    }

    /// Refuses further commands and hands out the last ones, so that the owner can answer each before it ends.
    package func close() -> [Command] {
        state.withLock { state in
            state.isClosed = true
            let taken = state.commands
            state.commands = []
            return taken
        }
    }
}
