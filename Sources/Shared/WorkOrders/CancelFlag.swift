internal import Synchronization

/// Whether somebody cancelled the order of a running attempt. Set before the handler's task is cancelled: nobody waits
/// for what it could still do, so it ends at once.
package final class CancelFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    package init() {}

    package var isSet: Bool { flag.load(ordering: .acquiring) }

    package func set() { flag.store(true, ordering: .releasing) }
}
