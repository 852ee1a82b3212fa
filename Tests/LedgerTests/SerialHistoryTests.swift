import Postgres
import TestSupport
import Testing

/// One request after the other on one connection: every answer and every row is what the model says.
@Suite(.timeLimit(.minutes(10))) struct `Serial histories` {
    @Test(arguments: 0..<2) func `are answered as the model answers them, and the books agree`(half: Int) async throws {
        var seeds = SplitMix64.seeded()
        for _ in 0..<half { seeds = SplitMix64(seed: seeds.next()) }
        var coverage = Coverage()
        try await LedgerDatabase.open(connections: 1) { client, _ in
            try await client.withConnection { connection in
                for number in 1...LedgerDatabase.histories(600) {
                    let seed = seeds.next()
                    // Undone at its end: nothing stays behind, and no midnight falls into it, as now() stands still.
                    try await connection.runSimple("BEGIN")
                    let fault = try await play(seed, &coverage, on: connection)
                    try await connection.runSimple("ROLLBACK")
                    if let fault {
                        Issue.record("history \(number) (seed \(seed)): \(fault)")
                        return
                    }
                    if number.isMultiple(of: 100) {
                        try await connection.runSimple("VACUUM moose.budget_buckets")
                        try await connection.runSimple("VACUUM moose.budget_policies")
                    }
                }
                #expect(coverage.missing.isEmpty)
            }
        }
    }

    /// - Returns: the first thing that went otherwise than in the model.
    private func play(
        _ seed: UInt64, _ coverage: inout Coverage, on connection: PostgresConnection
    ) async throws -> String? {
        var generator = HistoryGenerator(seed: seed)
        var model = generator.budgets()
        try await LedgerDatabase.begin(model, on: connection)
        let audit = Audit { query in try await connection.run(query) }
        for number in 1...20 {
            let step = generator.step(in: model)
            if let fault = try await perform(step, &model, &coverage, on: connection) {
                return "step \(number): \(fault)"
            }
            if number.isMultiple(of: 10) {
                let differences = try await audit.differences(from: model)
                if !differences.isEmpty {
                    return "after step \(number), \(step): \(differences.joined(separator: "\n"))"
                }
            }
        }
        coverage.note(model)
        return nil
    }

    private func perform(
        _ step: Step, _ model: inout LedgerModel, _ coverage: inout Coverage, on connection: PostgresConnection
    ) async throws -> String? {
        let before = model
        switch step {
        case .batch(let batch):
            let expected = model.apply(batch)
            coverage.note(expected)
            let answers = try batch.answers(from: try await connection.run(batch.query))
            return fault(expected, answers, batch, before)
        case .direct(let batch):
            let expected = model.reserveDirectly(batch.reservations)
            coverage.note(expected)
            let answers = try batch.directAnswers(from: try await connection.run(batch.directQuery))
            return fault(expected, answers, batch, before)
        case .simulation(let estimate, let path):
            let expected = model.judge(estimate, path)
            let words = try await connection.run(
                """
                SELECT answer FROM moose.simulate_reservation(
                    \(estimate), \(path.project), \(path.agent), \(path.handler), \(path.model))
                """
            ).rows.map { row in try row.decode(0, as: String.self) }
            let order = ["normal", "soft", "economy", "held_retry", "spent", "frozen", "never_fits"]
            let worst = words.compactMap { word in order.firstIndex(of: word) }.max().map { index in order[index] }
            return fault([expected.reason ?? expected.status], [worst ?? "nothing"], Batch(), before)
        case .operation(let operation):
            model.apply(operation)
            _ = try await connection.run(operation.query)
            return nil
        }
    }

    private func fault<Reply: Equatable>(
        _ expected: [Reply], _ answers: [Reply], _ batch: Batch, _ model: LedgerModel
    ) -> String? {
        guard expected != answers else { return nil }
        let wrong = answers.indices.first { index in index >= expected.count || expected[index] != answers[index] } ?? 0
        return """
            answer \(wrong) of \(batch):
            expected \(expected.indices.contains(wrong) ? "\(expected[wrong])" : "nothing")
            answered \(answers.indices.contains(wrong) ? "\(answers[wrong])" : "nothing")
            before: \(model)
            """
    }
}
