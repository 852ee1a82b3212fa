package import FoundationEssentials
package import Postgres

extension Store {
    /// The channel that says somebody changed something by hand: look at the rows. Its payload is the kind of change.
    package static let controlChannel = "moose_control"

    /// The orders this worker holds whose cancel was asked for.
    package func cancelRequests(worker: UUID) async throws(PostgresError) -> [CancelRequest] {
        try await postgres.run("SELECT id, token, who, reason FROM moose.cancel_requests(\(worker))").rows
            .decode((UUID, Int64, String, String).self).map { id, token, who, reason in
                CancelRequest(key: LeaseKey(id: id, token: token), who: who, reason: reason)
            }
    }

    /// What this worker was told.
    package func commands(worker: UUID) async throws(PostgresError) -> WorkerCommands {
        var commands = WorkerCommands()
        let rows = try await postgres.run(
            "SELECT command, lane, slots, who, reason FROM moose.worker_commands WHERE worker = \(worker)"
        ).rows
        for row in rows {
            switch try row.decode(0, as: WorkerCommands.Word.self) {
            case .drain: commands.drain = WorkerCommands.Drain(who: try row.decode(3), reason: try row.decode(4))
            case .resize: commands.slots[try row.decode(1)] = try row.decode(2, as: Int.self)
            }
        }
        return commands
    }
}
