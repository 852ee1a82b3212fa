import FoundationEssentials
import Postgres
import TestSupport
import Testing

/// A client or its backend ends at each step of a hold's life, at an instant that the test chooses; the same names are
/// then asked for again.
@Suite(.timeLimit(.minutes(2))) struct `After a crash` {
    enum Step: CaseIterable { case hold, start, dispatch, settle, settleUnknown, cancel, settleLate, expire }
    enum Crash: CaseIterable { case backendInStatement, backendBeforeCommit, clientInStatement }

    private static let victim = "moose-ledger-victim"

    @Test(arguments: Step.allCases, Crash.allCases)
    func `asking again has exactly one effect`(step: Step, crash: Crash) async throws {
        try await LedgerDatabase.open(connections: 3) { client, url in
            let name = HoldName(owner: UUID(), token: 1, number: 0)
            var model = LedgerModel()
            model.policies[BudgetPolicy.Key(scope: .org, period: .month)] = BudgetPolicy(hard: 10)
            model.policies[BudgetPolicy.Key(scope: Scope(kind: .project, name: "p"), period: .total)] = BudgetPolicy(
                kill: 7)
            let audit = Audit { query in try await client.run(query) }
            try await client.withConnection { connection in
                try await LedgerDatabase.begin(model, on: connection)
            }
            for batch in Self.before(step, name) {
                let expected = model.apply(batch)
                let answers = try batch.answers(from: try await client.run(batch.query))
                #expect(answers == expected)
            }
            // Its windows are open, so that there are rows to be locked out of.
            try await client.runSimple("SELECT moose.buckets_of_paths('{p}', '{NULL}', '{NULL}', '{NULL}')")
            let request = Request(number: 1, kind: Self.kind(of: step, name))

            let before = model
            try await LedgerDatabase.withClient(of: url, name: Self.victim, connections: 1) { victim in
                try await Self.crash(crash, request, of: victim, seenBy: client)
            }
            if crash == .clientInStatement {
                // Nobody tells the server that its client is gone: it commits.
                try await eventually("the server went on without its client") {
                    try await client.run("SELECT 1 FROM journal.entries").first != nil
                }
            } else {
                #expect(try await audit.differences(from: before) == [], "what was cut off has no effect")
            }
            _ = try await request.run(on: client)

            switch request.kind {
            case .batch(let batch): _ = model.apply(batch)
            default: model.apply(.expire)
            }
            #expect(try await audit.differences(from: model) == [], "asked twice, it has one effect")
            let entries = try await client.run("SELECT request, answers::text FROM journal.entries ORDER BY place").rows
                .map { row in JournalEntry(request: try row.decode(0), text: try row.decode(1)) }
            #expect(entries.count == (crash == .clientInStatement ? 2 : 1))
            var replay = JournalReplay(model: before, requests: [1: request])
            #expect(try replay.fault(in: entries) == nil)
        }
    }

    private static func reservation(_ name: HoldName, isDispatched: Bool) -> Batch {
        var reservation = Reservation(name: name, estimate: 4, path: WorkPath(project: "p"))
        reservation.isDispatched = isDispatched
        reservation.isOverdue = true
        return Batch(reservations: [reservation])
    }

    private static func before(_ step: Step, _ name: HoldName) -> [Batch] {
        switch step {
        case .hold, .start: []
        case .dispatch, .cancel: [reservation(name, isDispatched: false)]
        case .settle, .settleUnknown, .expire: [reservation(name, isDispatched: true)]
        case .settleLate:
            [reservation(name, isDispatched: true), Batch(moves: [Move(name: name, kind: .settle, actual: nil)])]
        }
    }

    private static func kind(of step: Step, _ name: HoldName) -> Request.Kind {
        switch step {
        case .hold: .batch(reservation(name, isDispatched: false))
        case .start: .batch(reservation(name, isDispatched: true))
        case .dispatch: .batch(Batch(moves: [Move(name: name, kind: .dispatch)]))
        case .settle: .batch(Batch(moves: [Move(name: name, kind: .settle, actual: 6)]))
        case .settleUnknown: .batch(Batch(moves: [Move(name: name, kind: .settle, actual: nil)]))
        case .settleLate: .batch(Batch(moves: [Move(name: name, kind: .settle, actual: 5)]))
        case .cancel: .batch(Batch(moves: [Move(name: name, kind: .cancel)]))
        case .expire: .expire
        }
    }

    /// Sends the request and ends one side of its connection.
    private static func crash(
        _ crash: Crash, _ request: Request, of victim: PostgresClient, seenBy client: PostgresClient
    ) async throws {
        let kill: Query = """
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = \(Self.victim)
            """
        if crash == .backendBeforeCommit {
            try await victim.withConnection { connection in
                try await connection.runSimple("BEGIN")
                try await request.once(on: connection)
                _ = try await client.run(kill)
                await #expect(throws: PostgresError.self) { try await connection.runSimple("COMMIT") }
            }
            return
        }
        try await client.withConnection { holder in
            try await holder.runSimple("BEGIN")
            _ = try await holder.run("SELECT FROM moose.budget_buckets ORDER BY id FOR NO KEY UPDATE")
            let attempt = Task {
                try await victim.withConnection(reusable: false) { connection in try await request.once(on: connection)
                }
            }
            try await eventually("the request waits for a bucket") {
                try await client.run(
                    """
                    SELECT 1 FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = \(Self.victim)
                      AND wait_event_type = 'Lock'
                    """
                ).first != nil
            }
            if crash == .backendInStatement { _ = try await client.run(kill) } else { attempt.cancel() }
            await #expect(throws: PostgresError.self) { try await attempt.value }
            try await holder.runSimple("ROLLBACK")
        }
    }
}
