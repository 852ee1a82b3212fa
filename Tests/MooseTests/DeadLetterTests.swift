import ArgumentParser
import FoundationEssentials
import Glibc
import Postgres
import SystemPackage
import TestSupport
import Testing

@testable import Moose
@testable import Operations

struct DeadLetterTests {
    private static func bury(_ count: Int, in database: PostgresClient) async throws {
        _ = try await database.run(
            """
            INSERT INTO moose.dead_letters (id, reason, explanation, kind, lane, exchange, routing_key, queue, body,
                                            digest, created_at)
            SELECT moose.time_ordered_id(), (ARRAY['malformed', 'unroutable'])[1 + i % 2], 'Number ' || i || ' is bad',
                   'kind-' || i % 3, 'lane-' || i % 5, 'moose.work', 'lane-' || i % 5, 'queue-' || i % 2,
                   convert_to('{"title":"letter ' || i || '"}', 'UTF8'), sha256(i::text::bytea),
                   now() - i * interval '1 minute'
            FROM generate_series(1, \(Int32(count))) AS i
            """)
    }

    private static func filter(_ arguments: String...) throws -> DeadLetterFilter {
        try DeadLetterOptions.parse(arguments).filter()
    }

    @Test func `each condition narrows the list, and pages follow each other`() async throws {
        try await BudgetDesk.open { desk in
            try await Self.bury(60, in: desk.database)
            func count(_ arguments: String...) async throws -> Int {
                try await DeadLetterOptions.parse(arguments).filter().newest(1000, in: desk.database).count
            }
            #expect(try await count() == 60)
            #expect(try await count("--reason", "malformed") == 30)
            #expect(try await count("--reason", "malformed", "--kind", "kind-0") == 10)
            #expect(try await count("--lane", "lane-1", "--queue", "queue-1") == 6)
            #expect(try await count("--text", "number 7 is") == 1)
            #expect(try await count("--text", "letter 60") == 1)
            #expect(try await count("--text", "'; DROP SCHEMA moose CASCADE; --%") == 0)
            #expect(try await count("--since", "30m") < 31)
            #expect(try await count("--until", "2020-01-01T00:00:00Z") == 0)
            #expect(throws: CommandFailure.self) { try Self.filter("--since", "yesterday") }

            var page = DeadLetterFilter()
            var seen: [UUID] = []
            while let last = try await page.newest(25, in: desk.database).map(\.id).last {
                seen += try await page.newest(25, in: desk.database).map(\.id)
                page.after = last
            }
            #expect(seen.count == 60 && Set(seen).count == 60)
            #expect(try await DeadLetterFilter().letters(in: desk.database) == seen.reversed())
            let counts = try await DeadLetterFilter().counts(in: desk.database)
            #expect(counts.map(\.count) == [30, 30])
        }
    }

    @Test func `an exported letter holds its bytes`() async throws {
        try await BudgetDesk.open { desk in
            try await Self.bury(1, in: desk.database)
            let letter = try #require(try await DeadLetterFilter().newest(10, in: desk.database).first)
            let found = try #require(try await DeadLetterSummary.find(letter.id, in: desk.database))
            let line = try DeadLettersExport.line(letter, found.content)
            #expect(line.hasSuffix("}\n") && line.contains(#""body":"{\"title\":\"letter 1\"}""#))
            let strange = DeadLetterSummary.Content(body: [0xff], headers: "{}", properties: [1])
            let bytes = try DeadLettersExport.line(letter, strange)
            #expect(bytes.contains(#""body_base64":"/w==""#) && bytes.contains(#""properties_base64":"AQ==""#))
        }
    }

    @Test func `everything must be asked for`() throws {
        func filter(_ ids: [String] = [], all: Bool = false) throws -> DeadLetterFilter {
            try DeadLetterSelection.filter(try DeadLetterOptions.parse([]), ids, all: all)
        }
        #expect(throws: CommandFailure.self) { try filter() }
        #expect(throws: CommandFailure.self) { try filter(["not-an-id"]) }
        #expect(try filter(all: true).isEverything)
        #expect(try filter([UUID().uuidString]).ids.count == 1)
        #expect(throws: (any Error).self) { try DeadLettersMove.parse(["a"]) }
        #expect(throws: (any Error).self) { try DeadLettersMove.parse(["a", "--to", "a"]) }
    }

    @Test func `a field is set, made or replaced, and an id only where the body names one`() throws {
        func set(_ body: String, _ texts: String...) throws -> String {
            String(
                decoding: try BodyEdit.set(try texts.map(BodyEdit.Assignment.init), in: Array(body.utf8)),
                as: UTF8.self)
        }
        #expect(
            try set(#"{"kind":"lint"}"#, "payload.path=src/a", "max_attempts=3")
                == #"{"kind":"lint","max_attempts":3,"payload":{"path":"src/a"}}"#)
        #expect(try set(#"{"a":{"b":1,"c":2}}"#, "a.b=null", #"a.c={"d":[1]}"#) == #"{"a":{"b":null,"c":{"d":[1]}}}"#)
        #expect(throws: CommandFailure.self) { try set("not json", "a=1") }
        for wrong in ["a", "=1", "a..b=1"] { #expect(throws: CommandFailure.self) { try set("{}", wrong) } }
        let id = try #require(UUID(uuidString: "0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e"))
        #expect(try BodyEdit.withID(id, Array(#"{"title":"t"}"#.utf8)) == Array(#"{"title":"t"}"#.utf8))
        #expect(
            try BodyEdit.withID(id, Array(#"{"id":"x"}"#.utf8))
                == Array(#"{"id":"0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e"}"#.utf8))
    }

    @Test func `an export ends without a word when its reader goes, as behind head`() async throws {
        // As the program itself does.
        signal(SIGPIPE, SIG_IGN)
        try await BudgetDesk.open { desk in
            try await Self.bury(3, in: desk.database)
            let filter = try DeadLetterOptions.parse([]).filter()
            let (input, output) = try FileDescriptor.pipeOfOurOwn()
            #expect(try await DeadLettersExport.write(filter, to: output, from: desk.database) == 3)
            try input.close()
            #expect(try await DeadLettersExport.write(filter, to: output, from: desk.database) == 0)
            try output.close()
        }
    }
}
