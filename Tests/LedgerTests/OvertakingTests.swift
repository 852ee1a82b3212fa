import FoundationEssentials
import Postgres
import TestSupport
import Testing

/// A batch that moves a hold whose reservation is still under way.
@Suite(.timeLimit(.minutes(1))) struct `A move that overtakes its reservation` {
    @Test(arguments: Move.Kind.allCases) func `is told that the hold is unknown, and changes nothing`(
        kind: Move.Kind
    ) async throws {
        try await LedgerDatabase.open(connections: 3) { client, _ in
            var model = LedgerModel()
            model.policies[BudgetPolicy.Key(scope: .org, period: .month)] = BudgetPolicy(kill: 10)
            try await client.withConnection { connection in try await LedgerDatabase.begin(model, on: connection) }
            let path = WorkPath(project: "p")
            let name = HoldName(owner: UUID(), token: 1, number: 0)
            let other = HoldName(owner: UUID(), token: 1, number: 0)
            let move = Move(name: name, kind: kind, actual: kind == .settle ? 3 : nil)
            var held = Reservation(name: name, estimate: 4, path: path)
            held.isDispatched = false
            let first = Batch(reservations: [held])
            let overtaking = Batch(
                moves: [move], reservations: [Reservation(name: other, estimate: 4, path: path)])

            // The bucket is there, so that the second batch gets as far as to wait for it.
            try await client.runSimple("SELECT moose.buckets_of_paths('{p}', '{NULL}', '{NULL}', '{NULL}')")
            let answers = try await client.withConnection { connection in
                try await connection.runSimple("BEGIN")
                let granted = try first.answers(from: try await connection.run(first.query))
                #expect(granted == model.apply(first))
                let second = Task { try overtaking.answers(from: try await client.run(overtaking.query)) }
                try await eventually("the second batch waits for the first") {
                    try await client.run(
                        """
                        SELECT 1 FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
                        """
                    ).first != nil
                }
                try await connection.runSimple("COMMIT")
                return try await second.value
            }

            #expect(answers.first == Answer(answer: "unknown"))
            #expect(Array(answers.dropFirst()) == model.apply(Batch(reservations: overtaking.reservations)))
            let audit = Audit { query in try await client.run(query) }
            #expect(try await audit.differences(from: model) == [])
            // Now it is there, and the move counts.
            let again = try overtaking.answers(from: try await client.run(overtaking.query))
            #expect(again == model.apply(overtaking))
            #expect(again.first?.answer == "done")
            #expect(try await audit.differences(from: model) == [])
        }
    }
}
