package import Postgres

/// What dependencies have to do beside claims and ends, each in pieces.
package enum DependencyTask: String, Sendable, CaseIterable {
    /// Releases who waits at an end that had too many for one commit.
    case ends
    /// Looks at waits that can be seen by now: an end may have come before, a dependency may be broken, unknown, or part
    /// of a cycle.
    case looks
    /// Tells who waits for what ended badly.
    case broken
}

extension Store {
    /// The channel that says that one of the tasks has much to do. Without it somebody looks each second.
    package static let dependencyChannel = "moose_dependencies"
    /// How long an order waits for an id that nobody has seen, before a person is told.
    package static let dependencyPatience = Duration.seconds(3600)

    /// The tasks that have something to do now.
    package func dependencyTasks() async throws(PostgresError) -> [DependencyTask] {
        let row = try await postgres.run("SELECT ends, looks, broken FROM moose.dependencies_due()").first
        guard let row else { return [] }
        var tasks: [DependencyTask] = []
        for (index, task) in DependencyTask.allCases.enumerated() where try row.decode(index, as: Bool.self) {
            tasks.append(task)
        }
        return tasks
    }

    /// One piece of a task, in a transaction of its own. Any number of processes may be at it.
    ///
    /// - Parameters:
    ///   - limit: about how many orders the piece may touch.
    ///   - patience: how long a dependency may be unknown.
    /// - Returns: how much it did; 0: there is nothing to do just now.
    @discardableResult
    package func settleDependencies(
        _ task: DependencyTask, limit: Int = 500, patience: Duration = dependencyPatience
    ) async throws(PostgresError) -> Int {
        let limit = Int32(clamping: limit)
        return switch task {
        case .ends: try await postgres.count("SELECT moose.settle_ends(\(limit))")
        case .looks:
            try await postgres.count(
                "SELECT moose.look_at_waits(\(limit), \(patience.milliseconds) * interval '1 millisecond')")
        case .broken: try await postgres.count("SELECT moose.tell_of_broken(\(limit))")
        }
    }

    /// Ends up to a thousand holds of other services that nobody closed in their time. Returns how many.
    package func expireHolds() async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.expire_holds()")
    }
}
