import DatabaseSupport
import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

/// The functions that programs of this release call, as they were recorded: a worker of the release before works on while
/// and after `moose migrate` of the next one has run (docs/decisions/0049-functions-apart-and-calls-kept.md).
struct EngineCallTests {
    private static let file = "Tests/StoreTests/Schema/engine-calls.txt"

    /// A call a line: name, arguments, result, as PostgreSQL words them.
    private static func recorded() throws -> [String] {
        try Repository.text(file).split(separator: "\n").map(String.init)
    }

    /// The name of a recorded call, with its schema.
    private static func name(_ call: String) -> Substring { call.prefix { $0 != "(" } }

    @Test func `a worker of the release before finds each function as it calls it`() async throws {
        try await MooseDatabase.open { database in
            let rows = try await database.client.run(
                """
                SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_arguments(p.oid) || ') -> '
                       || pg_get_function_result(p.oid)
                FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname IN ('moose', 'public') AND p.prokind = 'f'
                """
            ).rows
            let there = Set(try rows.decode(String.self))
            for call in try Self.recorded() where !there.contains(call) {
                Issue.record(
                    """
                    \(Self.name(call)) is no longer as it was recorded, and programs of a release call it so:
                      \(call)
                    Don't change a recorded call: put it back, and add the new one beside it as \(Self.name(call))_2, with \
                    a line of its own in \(Self.file). The old one goes a release later. Only a call that no release \
                    has made yet may have its line changed.
                    """)
            }
        }
    }

    @Test func `each function that the engine names is recorded`() throws {
        let names = Set(try Self.recorded().map { String(Self.name($0)) })
        var found = 0
        let folder = "Sources/Shared/Store"
        for path in try FileManager.default.subpathsOfDirectory(atPath: Repository.path(folder))
        where path.hasSuffix(".swift") {
            for call in try Repository.text("\(folder)/\(path)").matches(of: #/(moose\.[a-z_0-9]+)\(/#) {
                found += 1
                #expect(
                    names.contains(String(call.output.1)),
                    "\(path) calls \(call.output.1): add its line to \(Self.file)")
            }
        }
        #expect(found > 50, "the calls are looked for in the wrong place")
    }

    @Test func `the functions for other services are recorded`() throws {
        let names = Set(try Self.recorded().map { String(Self.name($0)) })
        #expect(names.isSuperset(of: Functions.all.outside))
    }
}
