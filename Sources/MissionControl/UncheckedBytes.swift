internal import Synchronization

/// How much of webhooks that nobody has checked yet is in memory, over all connections.
final class UncheckedBytes: Sendable {
    private let limit: Int
    private let bytes = Mutex<Int>(0)

    init(limit: Int) { self.limit = limit }

    var held: Int { bytes.withLock { $0 } }

    /// What one request holds of it.
    final class Held: Sendable {
        private let all: UncheckedBytes
        private let mine = Mutex<Int>(0)

        init(_ all: UncheckedBytes) { self.all = all }

        /// - Returns: false, and holds no more, where there is no room.
        func add(_ count: Int) -> Bool {
            let fits = all.bytes.withLock { bytes in
                guard bytes + count <= all.limit else { return false }
                bytes += count
                return true
            }
            if fits { mine.withLock { $0 += count } }
            return fits
        }

        func release() {
            let count = mine.withLock { mine in
                defer { mine = 0 }
                return mine
            }
            all.bytes.withLock { $0 -= count }
        }
    }
}
