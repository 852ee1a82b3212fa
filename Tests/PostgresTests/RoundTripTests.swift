import FoundationEssentials
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `A round trip through the server` {
    private func trip<Value: PostgresEncodable & PostgresDecodable & Equatable>(
        _ client: PostgresClient, _ values: Value...
    ) async throws {
        for value in values {
            let result = try await client.run("SELECT \(value)")
            #expect(try result.first?.decode(0, as: Value.self) == value)
        }
    }

    /// The value, nil, and arrays of them, empty and with NULL elements.
    private func tripAll<Value: PostgresEncodable & PostgresDecodable & PostgresArrayElement & Equatable>(
        _ client: PostgresClient, _ values: Value...
    ) async throws {
        for value in values { try await trip(client, value) }
        try await trip(client, Value?.none, values.first)
        try await trip(client, values, [])
        try await trip(client, values.map(Optional.some) + [nil], [nil], [])
        try await trip(client, [Value]?.none)
    }

    @Test func `keeps every type, its NULL and its arrays`() async throws {
        try await Server.withClient { client in
            try await tripAll(client, true, false)
            try await tripAll(client, Int16.min, 0, Int16.max)
            try await tripAll(client, Int32.min, 0, Int32.max)
            try await tripAll(client, Int64.min, 0, Int64.max)
            try await tripAll(client, Int.min, 0, Int.max)
            try await tripAll(client, 0.0, -1.5, 1e300, .infinity, .leastNonzeroMagnitude)
            try await tripAll(client, "", "plain", "ünïcödé 🫎", "quote ' \\ \" $1 {a,b}")
            try await tripAll(client, [UInt8](), [0, 255, 0], [UInt8](repeating: 9, count: 1024))
            try await tripAll(client, UUID(), UUID())
            try await tripAll(client, JSONText(#"{"a": [1, null]}"#))
            try await tripAll(client, Duration.zero, .microseconds(-1), .seconds(86_400 * 400) + .microseconds(1))
            try await tripAll(client, Date(timeIntervalSince1970: 0), .distantFuture, .distantPast)
        }
    }

    @Test func `keeps dates to the microsecond`() async throws {
        try await Server.withClient { client in
            for text in ["2024-02-29 23:59:59.999999+00", "1999-12-31 23:59:59.000001+00", "0001-01-01 00:00:00+00"] {
                let result = try await client.run("SELECT \(text)::timestamptz")
                let date = try #require(try result.first?.decode(0, as: Date.self))
                let back = try await client.run("SELECT \(date) = \(text)::timestamptz")
                #expect(try back.first?.decode(0, as: Bool.self) == true)
            }
        }
    }

    @Test(arguments: [
        "0", "1", "-1", "0.05", "12345678901234567890.123456789", "10000", "100000000", "-0.00001", "1.50", "NaN",
        "0.000012340000", "99999999", "Infinity",
    ])
    func `reads numeric digit by digit`(text: String) async throws {
        try await Server.withClient { client in
            let result = try await client.run("SELECT \(text)::numeric, \([text])::numeric[]")
            #expect(try result.first?.decode(0, as: String.self) == text)
            #expect(try result.first?.decode(1, as: [String].self) == [text])
        }
    }

    @Test func `reads what the server computes in types of its own`() async throws {
        try await Server.withClient { client in
            let result = try await client.run(
                """
                SELECT 1::int2 AS small, 2::int4 AS middle, 1.5::float4 AS float, 'n'::name AS name, 'v'::varchar AS v,
                    'c'::char(3) AS c, '{"b": 1}'::jsonb AS jsonb, interval '1 day 2 hours' AS span, NULL AS nothing
                """)
            let row = try #require(result.first)
            #expect(try row.decode("small", as: Int.self) == 1)
            #expect(try row.decode("middle", as: Int64.self) == 2)
            #expect(try row.decode("float", as: Double.self) == 1.5)
            #expect(try row.decode("name", as: String.self) == "n")
            #expect(try row.decode("v", as: String.self) == "v")
            #expect(try row.decode("c", as: String.self) == "c  ")
            #expect(try row.decode("jsonb", as: String.self) == #"{"b": 1}"#)
            #expect(try row.decode("jsonb", as: JSONText.self) == JSONText(#"{"b": 1}"#))
            #expect(try row.decode("span", as: Duration.self) == .seconds(93_600))
            #expect(try row.decode("nothing", as: String?.self) == nil)
            #expect(throws: PostgresError.decoding(column: "nothing", row: 0, fault: .unexpectedNull)) {
                try row.decode("nothing", as: String.self)
            }
            #expect(throws: PostgresError.decoding(column: "absent", row: 0, fault: .noSuchColumn)) {
                try row.decode("absent", as: String.self)
            }
            #expect(throws: PostgresError.self) { try row.decode(99, as: String.self) }
        }
    }

    @Test func `reads a whole row, or all rows, at once`() async throws {
        try await Server.withClient { client in
            let result = try await client.run(
                "SELECT n, nullif('row ' || n, 'row 2'), n > 1 FROM generate_series(1, 3) AS n ORDER BY n")
            let (number, name, isLate) = try #require(try result.first?.decode((Int, String?, Bool).self))
            #expect(number == 1)
            #expect(name == "row 1")
            #expect(!isLate)
            let all = try result.rows.decode((Int, String?, Bool).self)
            #expect(all.map(\.0) == [1, 2, 3])
            #expect(all.map(\.1) == ["row 1", nil, "row 3"])
            #expect(all.map(\.2) == [false, true, true])
            // The types may come from where the values go.
            struct Line: Equatable {
                let number: Int64
                let name: String?
                let isLate: Bool
            }
            #expect(try result.rows.decode().map(Line.init).last == Line(number: 3, name: "row 3", isLate: true))
            let last: (Int32, String?, Bool) = try #require(result.rows.last).decode()
            #expect(last.0 == 3)
            let numbers = try await client.run("SELECT generate_series(1, 3)")
            #expect(try numbers.rows.decode(Int.self) == [1, 2, 3])
            #expect(try numbers.first?.decode(Int.self) == 1)
        }
    }

    @Test func `tells which column of a whole row can't be read`() async throws {
        try await Server.withClient { client in
            let result = try await client.run(
                "SELECT n, nullif(n, 2) AS other FROM generate_series(1, 3) AS n ORDER BY n")
            #expect(throws: PostgresError.decoding(column: "other", row: 1, fault: .unexpectedNull)) {
                try result.rows.decode((Int, Int).self)
            }
        }
    }

    @Test func `refuses a row with more or fewer columns than were asked for, also where there is no row`() async throws
    {
        try await Server.withClient { client in
            for rows in [1, 0] {
                let result = try await client.run("SELECT 1 AS a, 'x' AS b, true AS c LIMIT \(Int64(rows))")
                let more = PostgresError.decoding(column: "c", row: 0, fault: .wrongColumnCount(found: 3, asked: 2))
                #expect(throws: more) { try result.rows.decode((Int, String).self) }
                #expect(more.description.contains("asked for 2 columns of a result that has 3"))
                let fewer = PostgresError.decoding(
                    column: "number 3", row: 0, fault: .wrongColumnCount(found: 3, asked: 4))
                #expect(throws: fewer) { try result.rows.decode((Int, String, Bool, Int).self) }
                let one = PostgresError.decoding(column: "b", row: 0, fault: .wrongColumnCount(found: 3, asked: 1))
                #expect(throws: one) { try result.value(as: Int.self) }
                guard let row = result.first else { continue }
                #expect(throws: more) { try row.decode((Int, String).self) }
            }
        }
    }

    @Test func `answers a statement that has one value, one row or one number`() async throws {
        try await Server.withClient { client in
            #expect(try await client.count("SELECT count(*) FROM generate_series(1, 7)") == 7)
            #expect(try await client.value("SELECT \("x") || 'y'", as: String.self) == "xy")
            let (small, large) = try await client.row("SELECT 1, \(Int64.max)", as: (Int, Int64).self)
            #expect(small == 1)
            #expect(large == .max)
            let three = try await client.withTransaction { transaction in try await transaction.count("SELECT 3") }
            let four = try await client.withConnection { connection in try await connection.count("SELECT 4") }
            #expect((three, four) == (3, 4))
        }
    }

    @Test func `takes no row for no value, never for a number`() async throws {
        try await Server.withClient { client in
            let nothing: Query = "SELECT 1 AS one LIMIT 0"
            let values = [
                try await client.value(nothing, as: Int?.self),
                try await client.value("SELECT NULL::int8", as: Int?.self),
            ]
            #expect(values == [nil, nil])
            let missing = PostgresError.decoding(column: "one", row: 0, fault: .noRow)
            await #expect(throws: missing) { try await client.value(nothing, as: Int.self) }
            await #expect(throws: missing) { try await client.count(nothing) }
            await #expect(throws: missing) { try await client.row(nothing, as: (Int?).self) }
            await #expect(throws: PostgresError.decoding(column: "one", row: 0, fault: .unexpectedNull)) {
                try await client.count("SELECT NULL::int8 AS one")
            }
        }
    }

    @Test func `reads words, and refuses one that this version does not know`() async throws {
        enum Mood: String, PostgresWord {
            case calm
            case wild
        }
        try await Server.withClient { client in
            let result = try await client.run(
                "SELECT n, m FROM (VALUES (1, 'wild'), (2, NULL), (3, 'calm')) AS v (n, m) ORDER BY n")
            let moods = try result.rows.decode((Int, Mood?).self).map { _, mood in mood }
            #expect(moods == [.wild, nil, .calm])
            #expect(try result.first?.decode(1, as: Mood.self) == .wild)
            let strange = try await client.run("SELECT 'sleepy' AS mood")
            let unknown = PostgresError.decoding(column: "mood", row: 0, fault: .unknown(word: "sleepy"))
            #expect(throws: unknown) { try strange.rows.decode(Mood.self) }
            #expect(throws: unknown) { try strange.first?.decode(0, as: Mood.self) }
            #expect(unknown.description.contains("'sleepy', which this version does not know"))
        }
    }

    @Test func `reads enums as text`() async throws {
        try await Server.withClient { client in
            try await client.withTransaction { transaction in
                try await transaction.runSimple("CREATE TYPE public.round_trip_mood AS ENUM ('calm', 'wild')")
                let result = try await transaction.run("SELECT \("wild")::public.round_trip_mood")
                #expect(try result.first?.decode(0, as: String.self) == "wild")
                try await transaction.runSimple("DROP TYPE public.round_trip_mood")
            }
        }
    }

    @Test func `carries five megabytes each way`() async throws {
        try await Server.withClient { client in
            let body = (0..<5_242_880).map { index in UInt8(truncatingIfNeeded: index &* 31) }
            let result = try await client.run("SELECT \(body), length(\(body))")
            #expect(try result.first?.decode(0, as: [UInt8].self) == body)
            #expect(try result.first?.decode(1, as: Int.self) == body.count)
        }
    }

    @Test func `counts the rows it touched`() async throws {
        try await Server.withClient { client in
            try await client.withTransaction { transaction in
                try await transaction.runSimple("CREATE TEMPORARY TABLE counted (n int8) ON COMMIT DROP")
                let inserted = try await transaction.run("INSERT INTO counted SELECT unnest(\([1, 2, 3]))")
                #expect(inserted.affectedRows == 3)
                #expect(inserted.rowCount == 0)
                let found = try await transaction.run("SELECT n FROM counted ORDER BY n")
                #expect(try found.rows.map { row in try row.decode(0, as: Int.self) } == [1, 2, 3])
            }
        }
    }
}
