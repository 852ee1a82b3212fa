import CoreMetrics
import NIOCore
import Synchronization
import Telemetry

/// The connections of one server. Where there are too many, the one that has kept the server waiting longest makes room.
final class OpenConnections: Sendable {
    /// What a connection is waited for.
    enum Wait {
        /// Between two requests, or for the head of the first.
        case head
        /// For a body.
        case body
        /// For the server itself: never closed to make room.
        case answer
    }

    private struct Entry {
        let channel: any Channel
        var wait = Wait.head
        var since = NIODeadline.now()
    }

    private let limit: Int
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(limit: Int) { self.limit = limit }

    /// - Returns: whether it may stay; it is closed by whoever asks otherwise.
    func opened(_ channel: any Channel) -> Bool {
        let (stays, evicted) = entries.withLock { entries -> (Bool, (any Channel)?) in
            guard entries.count >= limit else {
                entries[ObjectIdentifier(channel)] = Entry(channel: channel)
                return (true, nil)
            }
            let waiting = entries.filter { $0.value.wait != .answer }
            let longest = waiting.min { $0.value.since < $1.value.since }
            guard let longest else { return (false, nil) }
            entries[longest.key] = nil
            entries[ObjectIdentifier(channel)] = Entry(channel: channel)
            return (true, longest.value.channel)
        }
        evicted?.close(promise: nil)
        if evicted != nil || !stays { Self.count("crowded") }
        return stays
    }

    func waits(_ channel: any Channel, for wait: Wait) {
        entries.withLock { entries in
            entries[ObjectIdentifier(channel)]?.wait = wait
            entries[ObjectIdentifier(channel)]?.since = .now()
        }
    }

    func closed(_ channel: any Channel) { entries.withLock { $0[ObjectIdentifier(channel)] = nil } }

    /// Counts a connection that the server closed.
    static func count(_ why: String) { Counter(.httpConnectionsCut, dimensions: [("why", why)]).increment() }
}
