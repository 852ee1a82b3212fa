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
