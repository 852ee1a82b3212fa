package import FoundationEssentials
package import Logging
package import Store

/// Gives the work of a process that ended without a word to others at once: its parent knows for certain that it is gone,
/// and its commands with it, where others have to look twice. The attempt counts as one that lost its worker.
package struct ProcessLosses: Sendable {
    /// How often the database is asked, and the wait between: a claim that the process had sent may commit after its end.
    /// What is left after that is rescued as everybody's.
    private static let looks = 12
    private static let wait = Duration.seconds(5)

    private let supervisor: UUID
    private let store: Store
    private let maxAttempts: Int
    private let logger: Logger

    /// - Parameter supervisor: this parent's id, under which its processes are registered.
    package init(supervisor: UUID, store: Store, maxAttempts: Int, logger: Logger) {
        self.supervisor = supervisor
        self.store = store
        self.maxAttempts = maxAttempts
        self.logger = logger
    }

    /// Tells the database that the process of this number is gone. Returns when it knows, and has been asked once more;
    /// or soon after its task was cancelled.
    package func rescue(_ process: Int32) async {
        var answers = 0
        for look in 1...Self.looks where answers < 2 {
            do {
                var count = 0
                while true {
                    let some = try await store.processEnded(
                        process, supervisor: supervisor, maxAttempts: maxAttempts)
                    if some == 0 { break }
                    count += some
                }
                answers += 1
                if count > 0 {
                    logger.warning(
                        "rescued work of a lost process", metadata: ["pid": "\(process)", "work_orders": "\(count)"])
                }
            } catch {
                // Not reported: the leases expire all the same, and any worker rescues them then.
                logger.warning(
                    "the work of a lost process waits for its leases to expire",
                    metadata: ["pid": "\(process)", "look": "\(look)", "error": "\(error)"])
            }
            // Cancelled: the group ends, and the leases say when others go on with the work.
            guard answers < 2, (try? await Task.sleep(for: Self.wait)) != nil else { return }
        }
    }
}
