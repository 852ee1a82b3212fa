internal import Glibc

/// The file descriptors one I/O thread waits on, with the next deadline: a thin face on poll(2).
package struct PollSet: ~Copyable {
    /// What a descriptor is waited for, and what it turned out to be ready for.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }
        package static let readable = Interest(rawValue: Int16(POLLIN))
        package static let writable = Interest(rawValue: Int16(POLLOUT))
        /// Reported, never asked for: the peer hung up, or the descriptor is broken. Read to learn why.
        package static let failed = Interest(rawValue: Int16(POLLERR | POLLHUP | POLLNVAL))
    }

    private var entries: [pollfd] = []

    package init() {}

    /// Forgets all descriptors; the set is refilled before each wait.
    package mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Adds a descriptor and returns its position for ``ready(_:)``.
    @discardableResult
    package mutating func add(_ fileDescriptor: Int32, _ interest: Interest) -> Int {
        entries.append(pollfd(fd: fileDescriptor, events: interest.rawValue, revents: 0))
        return entries.count - 1
    }

    /// Waits until one is ready or the deadline passes. A nil deadline waits for ever; one in the past only looks.
    /// A signal counts as a wake-up with nothing ready.
    package mutating func wait(until deadline: ContinuousClock.Instant?) {
        var milliseconds: Int32 = -1
        if let deadline {
            let left = deadline - .now
            let (seconds, attoseconds) = left.components
            // Rounded up: waking a moment early would spin until the deadline.
            let wanted = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
            milliseconds = Int32(clamping: max(0, wanted))
        }
        for index in entries.indices { entries[index].revents = 0 }
        if unsafe poll(&entries, nfds_t(entries.count), milliseconds) <= 0 {
            for index in entries.indices { entries[index].revents = 0 }
        }
    }

    /// What the descriptor at this position was ready for when ``wait(until:)`` returned.
    package func ready(_ position: Int) -> Interest { Interest(rawValue: entries[position].revents) }
}
