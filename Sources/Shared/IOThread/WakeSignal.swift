internal import CLinux
internal import Glibc

/// An eventfd: any thread may raise it, one thread polls it together with its sockets.
package final class WakeSignal: Sendable {
    /// Becomes readable when raised. Poll it; don't read or close it.
    package let fileDescriptor: Int32

    package init() throws(IOError) {
        fileDescriptor = moose_eventfd()
        guard fileDescriptor >= 0 else { throw .noWakeSignal(errno: errno) }
    }

    deinit { close(fileDescriptor) }

    /// Wakes the polling thread. Safe from any thread; costs one system call.
    package func raise() {
        var one: UInt64 = 1
        // EAGAIN would mean the counter is full, which is as awake as it gets.
        _ = unsafe write(fileDescriptor, &one, 8)
    }

    /// Takes the signal back. Call it on the polling thread before draining what the signal announced.
    package func clear() {
        var count: UInt64 = 0
        _ = unsafe read(fileDescriptor, &count, 8)
    }
}
