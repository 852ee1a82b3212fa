package import FoundationEssentials
package import Postgres

extension Store {
    /// The channel that says somebody changed something by hand: look at the rows. Its payload is the kind of change.
    package static let controlChannel = "moose_control"

    /// The orders this worker holds whose cancel was asked for.
    package func cancelRequests(worker: UUID) async throws(PostgresError) -> [CancelRequest] {
        var requests: [CancelRequest] = []
        for row in try await postgres.run("SELECT id, token, who, reason FROM moose.cancel_requests(\(worker))").rows {
            requests.append(
                CancelRequest(
                    key: LeaseKey(id: try row.decode(0, as: UUID.self), token: try row.decode(1, as: Int64.self)),
                    who: try row.decode(2, as: String.self), reason: try row.decode(3, as: String.self)))
        }
        return requests
    }

    /// What this worker was told.
    package func commands(worker: UUID) async throws(PostgresError) -> WorkerCommands {
        var commands = WorkerCommands()
        let rows = try await postgres.run(
            "SELECT command, lane, slots, who, reason FROM moose.worker_commands WHERE worker = \(worker)"
        ).rows
        for row in rows {
            switch try row.decode(0, word: WorkerCommands.Word.self) {
            case .drain:
                commands.drain = WorkerCommands.Drain(
                    who: try row.decode(3, as: String.self), reason: try row.decode(4, as: String?.self))
            case .resize:
                commands.slots[try row.decode(1, as: String.self)] = Int(try row.decode(2, as: Int32.self))
            }
        }
        return commands
    }
}
