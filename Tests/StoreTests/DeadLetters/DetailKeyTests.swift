import Postgres
import Store
import Testing
import WorkOrders

/// SQL names the details of its error events as this program reads them.
struct DetailKeyTests {
    @Test func `every detail of every event that SQL writes has a name that this program knows`() async throws {
        try await StoreDesk.open { desk in
            let functions = try await desk.store.postgres.run(
                """
                SELECT p.proname::text, p.prosrc FROM pg_proc p
                WHERE p.pronamespace = 'moose'::regnamespace AND p.prosrc LIKE '%moose.report(%'
                """
            ).rows
            var found: Set<String> = []
            for row in functions {
                let function = try row.decode(0, as: String.self)
                for key in Self.keys(in: try row.decode(1, as: String.self)) {
                    #expect(DetailKey(rawValue: key) != nil, "moose.\(function) writes \(key)")
                    found.insert(key)
                }
            }
            // What is read again: were none of them found, this test would look in the wrong place.
            let read: [DetailKey] = [.handler, .reason, .deadLetter, .poison, .lane, .dependsOn]
            #expect(found.isSuperset(of: read.map(\.rawValue)), "\(found)")
        }
    }

    /// The names of the details in all calls of `moose.report`.
    private static func keys(in source: String) -> [String] {
        let code = source.split(separator: "\n").map { line -> String in
            String(line.firstRange(of: "--").map { comment in line[..<comment.lowerBound] } ?? line)
        }.joined(separator: "\n")
        var keys: [String] = []
        for event in arguments(of: "moose.report", in: code) {
            for details in arguments(of: "jsonb_build_object", in: event.joined(separator: ",")) {
                for index in stride(from: 0, to: details.count, by: 2) {
                    keys.append(details[index].filter { character in character != "'" && !character.isWhitespace })
                }
            }
        }
        return keys
    }

    /// The arguments of every call of a function.
    private static func arguments(of function: String, in code: String) -> [[String]] {
        code.ranges(of: function + "(").map { call in
            var arguments = [""]
            var depth = 1
            var isQuoted = false
            for character in code[call.upperBound...] {
                if character == "'" { isQuoted.toggle() }
                if !isQuoted, "([".contains(character) { depth += 1 }
                if !isQuoted, ")]".contains(character) { depth -= 1 }
                if depth == 0 { break }
                if !isQuoted, depth == 1, character == "," {
                    arguments.append("")
                } else {
                    arguments[arguments.count - 1].append(character)
                }
            }
            return arguments
        }
    }
}
