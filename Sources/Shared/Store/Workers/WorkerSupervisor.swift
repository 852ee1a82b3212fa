package import FoundationEssentials

/// The parent that keeps a worker process among others.
package struct WorkerSupervisor: Sendable, Equatable {
    /// Names the parent; new for every start.
    package var id: UUID
    package var pid: Int32
    /// The process's number in its group.
    package var process: Int32

    package init(id: UUID, pid: Int32, process: Int32) {
        self.id = id
        self.pid = pid
        self.process = process
    }
}
