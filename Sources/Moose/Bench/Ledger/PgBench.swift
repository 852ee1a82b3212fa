internal import FoundationEssentials
internal import Stack

/// PostgreSQL's own load generator on the private server.
struct PgBench: Sendable {
    /// What one run did.
    struct Run: Sendable {
        let transactions: Int
        /// A second, without the time to connect.
        let rate: Double
    }

    static let clients = 8
    let bench: BenchStack
    private let program: String

    /// - Throws: ``CommandFailure`` when there is none.
    init(_ bench: BenchStack) throws {
        self.bench = bench
        program = try Self.find()
    }

    /// Runs one statement again and again, from 8 clients.
    func run(_ statement: String, seconds: Int) async throws -> Run {
        let script = "\(bench.folder)/bench.sql"
        try Data("\(statement)\n".utf8).write(to: URL(filePath: script))
        // The URL with its password travels in the environment: arguments can be seen by everybody.
        let output = try await BenchProgram(
            program: program,
            arguments: ["-n", "-M", "prepared", "-c", "\(Self.clients)", "-j", "2", "-T", "\(seconds)", "-f", script],
            environment: try bench.stack.environment()
        ).run()
        let lines = output.split(separator: "\n")
        guard let rate = Self.number(after: "tps = ", lines), rate > 0,
            let count = Self.number(after: "number of transactions actually processed: ", lines)
        else { throw CommandFailure("pgbench did not say its rate", why: output) }
        return Run(transactions: Int(count), rate: rate)
    }

    private static func number(after prefix: String, _ lines: [Substring]) -> Double? {
        guard let line = lines.first(where: { $0.hasPrefix(prefix) }) else { return nil }
        return line.dropFirst(prefix.count).split(whereSeparator: { " /".contains($0) }).first.flatMap { Double($0) }
    }

    private static func find() throws -> String {
        let root = "/usr/lib/postgresql"
        // Without the folder the list is empty, and the error below says what is missing.
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        for version in versions.sorted(by: >) {
            let path = "\(root)/\(version)/bin/pgbench"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw CommandFailure(
            "pgbench is missing", why: "there is none in \(root)/*/bin", next: "Install PostgreSQL's server package")
    }
}
