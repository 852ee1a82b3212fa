import Postgres
import TestSupport

/// Many clients at once on the same budgets and the same names.
struct ConcurrentHistory: Sendable {
    let seed: UInt64
    let model: LedgerModel
    /// What each client asks for, in its order.
    let clients: [[Request]]
    /// Whether limits, freezes and exemptions change meanwhile.
    let isManaged: Bool

    init(seed: UInt64, clients count: Int) {
        self.seed = seed
        var generator = HistoryGenerator(seed: seed)
        let model = generator.budgets()
        let isManaged = generator.chance(50)
        let names = (0..<20).map { _ in generator.newName() }
        self.model = model
        self.isManaged = isManaged
        clients = (0..<count).map { client in
            (0..<6).map { step in
                let kind: Request.Kind =
                    if generator.chance(8) {
                        .expire
                    } else if isManaged, generator.chance(15) {
                        .operation(generator.change(in: model))
                    } else {
                        .batch(generator.batch(in: model, among: names))
                    }
                return Request(number: Int64(client * 100 + step), kind: kind)
            }
        }
    }

    func prepare(on connection: PostgresConnection) async throws {
        try await LedgerDatabase.begin(model, on: connection)
        try await connection.runSimple("DELETE FROM journal.entries")
        // Where limits change there is something to queue for; else the first batches race to open the windows.
        if isManaged {
            try await connection.runSimple("SELECT moose.buckets_of_paths('{NULL}', '{NULL}', '{NULL}', '{NULL}')")
        }
    }

    /// - Parameter send: asks for one request until it is answered, and returns the reply.
    /// - Returns: the first thing that went otherwise than in some serial order of the requests; nil when all is well.
    func play(
        on connection: PostgresConnection, send: @escaping @Sendable (Request) async throws -> String
    ) async throws -> String? {
        try await prepare(on: connection)
        let correspondence = Correspondence()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for requests in clients {
                group.addTask {
                    for planned in requests {
                        let request = correspondence.sent(planned)
                        try correspondence.received(try await send(request), to: request)
                    }
                }
            }
            try await group.waitForAll()
        }
        let entries = try await journal(on: connection)
        for reply in correspondence.replies
        where !entries.contains(where: { entry in entry.request == reply.request && entry.text == reply.text }) {
            return "request \(reply.request) was answered \(reply.text), of which the journal knows nothing"
        }
        return try await fault(in: entries, of: correspondence.requests, on: connection)
    }

    private func journal(on connection: PostgresConnection) async throws -> [JournalEntry] {
        try await connection.run("SELECT request, answers::text FROM journal.entries ORDER BY place").rows.map { row in
            JournalEntry(request: try row.decode(0), text: try row.decode(1))
        }
    }

    private func fault(
        in entries: [JournalEntry], of requests: [Int64: Request], on connection: PostgresConnection
    ) async throws -> String? {
        var replay = JournalReplay(model: model, requests: requests)
        if let fault = try replay.fault(in: entries) { return fault }
        let audit = Audit { query in try await connection.run(query) }
        let differences = try await audit.differences(from: replay.model)
        return differences.isEmpty ? nil : differences.joined(separator: "\n")
    }
}
