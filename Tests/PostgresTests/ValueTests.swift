import FoundationEssentials
import Testing

@testable import Postgres

@Suite struct `Values` {
    private func decode<Value: PostgresDecodable>(
        _ bytes: [UInt8], _ type: PostgresType, as value: Value.Type
    ) throws -> Value {
        try unsafe Value.decode(bytes.span.bytes, type: type)
    }

    @Test func `become numbered parameters, never text`() {
        let name = "x'; DROP TABLE t; --"
        let query: Query = "SELECT * FROM \(unescaped: "t") WHERE a = \(name) AND b = \(Int?.none)"
        #expect(query.sql == "SELECT * FROM t WHERE a = $1 AND b = $2")
        #expect(query.parameters[0] == Parameter(type: .text, bytes: Array(name.utf8)))
        #expect(query.parameters[1] == Parameter(type: .int8, bytes: nil))
    }

    @Test func `in arrays are encoded into one buffer of exactly the expected size`() {
        let bodies = [[UInt8]](repeating: [UInt8](repeating: 7, count: 1024), count: 500)
        let parameter = Parameter(bodies)
        #expect(parameter.type == .byteaArray)
        #expect(parameter.bytes?.count == 20 + 500 * 1028)
        #expect(bodies.encodedSize == 20 + 500 * 1028)
        #expect(Parameter([UUID](repeating: UUID(), count: 500)).bytes?.count == 20 + 500 * 20)
    }

    @Test func `cut short are refused, whatever the type`() {
        let short: [UInt8] = [0, 0]
        #expect(throws: DecodingFault.self) { try decode(short, .int8, as: Int.self) }
        #expect(throws: DecodingFault.self) { try decode(short, .uuid, as: UUID.self) }
        #expect(throws: DecodingFault.self) { try decode(short, .timestamptz, as: Date.self) }
        #expect(throws: DecodingFault.self) { try decode(short, .interval, as: Duration.self) }
        #expect(throws: DecodingFault.self) { try decode(short, .numeric, as: String.self) }
        #expect(throws: DecodingFault.self) { try decode([], .jsonb, as: String.self) }
        #expect(throws: DecodingFault.self) { try decode([], .bool, as: Bool.self) }
        let whole = Parameter(["one", "two"]).bytes ?? []
        for length in 0..<whole.count {
            #expect(throws: DecodingFault.self) { try decode(Array(whole[..<length]), .textArray, as: [String].self) }
        }
    }

    @Test func `of random bytes never crash a decoder`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...48)).map { _ in UInt8.random(in: 0...3, using: &random) }
            _ = try? decode(bytes, .textArray, as: [String?].self)
            _ = try? decode(bytes, .uuidArray, as: [UUID].self)
            _ = try? decode(bytes, .numeric, as: String.self)
            _ = try? decode(bytes, .interval, as: Duration.self)
            _ = try? decode(bytes, .timestamptz, as: Date.self)
        }
    }

    @Test func `that don't fit are refused instead of cut`() {
        #expect(throws: DecodingFault.outOfRange("70000 as Int16")) {
            try decode(Parameter(Int32(70_000)).bytes ?? [], .int4, as: Int16.self)
        }
        #expect(throws: DecodingFault.wrongType(.text)) { try decode([1], .text, as: Bool.self) }
        #expect(throws: DecodingFault.unexpectedNull) { try Int.decodeNull() }
    }

    @Test func `of words are read from text only, and an unknown one is quoted in part`() throws {
        enum Pace: String, PostgresWord {
            case slow
            case fast
        }
        #expect(try decode(Array("fast".utf8), .text, as: Pace.self) == .fast)
        #expect(throws: DecodingFault.wrongType(.int4)) { try decode(Array("fast".utf8), .int4, as: Pace.self) }
        #expect(throws: DecodingFault.unexpectedNull) { try Pace.decodeNull() }
        let long = [UInt8](repeating: 0x61, count: 1000)
        let fault = #expect(throws: DecodingFault.self) { try decode(long, .text, as: Pace.self) }
        #expect(fault?.description.count ?? .max < 200)
    }

    @Test func `of dates beyond the server's calendar become its infinity`() throws {
        #expect(Parameter(Date.distantFuture).bytes == Parameter(Int64.max).bytes)
        #expect(Parameter(Date(timeIntervalSinceReferenceDate: .nan)).bytes == Parameter(Int64.max).bytes)
        #expect(Parameter(Date(timeIntervalSinceReferenceDate: -1e15)).bytes == Parameter(Int64.min).bytes)
        #expect(try decode(Parameter(Int64.max).bytes ?? [], .timestamptz, as: Date.self) == .distantFuture)
    }

    @Test(arguments: [
        ("postgresql://moose:s3cret@db/moose", "postgresql://moose:***@db/moose"),
        ("postgresql://moose:p@ss/word@db/moose", "postgresql://***"),
        ("postgresql://moose:p/ss@db/moose", "postgresql://***"),
        ("postgresql://db/moose?user=a&password=s3cret&port=1", "postgresql://db/moose?user=a&password=***&port=1"),
        ("host=db password=s3cret user=a", "host=db password=*** user=a"),
        ("host=db password = 's3 \\' cret' user=a", "host=db password=*** user=a"),
        ("postgresql://moose@db/moose", "postgresql://moose@db/moose"),
    ])
    func `of passwords never show`(url: String, redacted: String) {
        #expect(PostgresConfiguration(url: url).description == redacted + " as moose")
    }

    @Test(arguments: [
        ("postgresql://a:s3cret@h/d?sslmode=nonsense", "it may be disable, allow, prefer, require"),
        ("postgresql://a:s3cret@h/d?target_session_attrs=nonsense", "it may be any, read-write"),
        ("postgresql://a:s3cret@h/d?channel_binding=nonsense", "it may be disable, prefer, require"),
        ("postgresql://a:s3cret@h/d?gssencmode=nonsense", "it may be disable, prefer, require"),
        ("postgresql://a:s3cret@h/d?ssl_min_protocol_version=nonsense", "ssl_min_protocol_version"),
        ("postgresql://a:s3cret@h/d?connect_timeout=soon", "connect_timeout should be a whole number"),
        ("postgresql://a:s3cret@h/d?keepalives_idle=x", "keepalives_idle should be a whole number"),
        ("postgresql://a:s3cret@h/d?client_encoding=latin1", "client_encoding isn't supported but as utf8"),
        ("postgresql://a:s3cret@h/d?pool_size=5", "The option pool_size isn't supported; these are: "),
        ("postgresql://a:s3cret@h/d?SSLMODE=require", "The option SSLMODE isn't supported"),
        ("postgresql://a:s3cret@h1:1,h2:2,h3/d?port=1,2", "port"), ("postgresql://a:s3cret@h:99999/d", "port"),
        ("postgresql://a:s3cret@h1,h2/d?hostaddr=127.0.0.1", "2 hosts and 1 hostaddr"),
        ("postgresql://a:s3c@ret@h/d", "%40"), ("postgresql://a:s3c/ret@h/d", "%2F"),
        ("host=h password=s3cret sslmode=nonsense", "it may be disable"),
        ("postgresql://a:s3cret@h/d?service=nonsense", "service"),
    ])
    func `of options that libpq can't use are a mistake of the URL, before any server is asked`(
        url: String, words: String
    ) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url).check() }
        guard case .invalidConfiguration(let reason) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(reason.contains(words), "\(reason)")
        for piece in ["s3c", "ret@"] { #expect(!reason.contains(piece), "\(reason)") }
    }

    @Test(arguments: [
        "postgresql://a:s3cret@h/d?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=5&application_name=x",
        "postgresql://h1:1,h2:2/d?target_session_attrs=read-write", "postgresql:///d?host=/run/postgresql", "",
        "host=h1,h2 port=5432 user=a", "postgresql://h1,h2/d?hostaddr=127.0.0.1,127.0.0.2", "postgresql://h/d?ssl=true",
    ])
    func `of options that libpq knows pass`(url: String) throws {
        try PostgresConfiguration(url: url).check()
    }

    @Test func `of a URL that libpq can't read are not quoted in the error`() {
        #expect {
            let configuration = PostgresConfiguration(url: "postgresql://a:s3cr%zz@h/d")
            return try PostgresClient(configuration: configuration, maxConnections: 1)
        } throws: { error in
            "\(error)".contains("can't be used") && !"\(error)".contains("s3cr")
        }
    }

    @Test func `of libpq's words are sorted into kinds of failure`() {
        let wrong = ConnectFailure.error(
            message: "connection to server at \"h\", port 1 failed: FATAL:  28P01: no LOCATION:  auth_failed, auth.c:3",
            needsPassword: false)
        let reason = "connection to server at \"h\", port 1 failed: FATAL: 28P01: no"
        #expect(wrong == .authenticationFailed(reason: reason))
        let refused = ConnectFailure.error(
            message: "connection failed: Connection refused Is the server running on that host?", needsPassword: false)
        #expect(refused.description.contains("Connection refused. Is the server running on that host? Check"))
        guard case .databaseMissing = ConnectFailure.error(message: "FATAL:  3D000: gone", needsPassword: false) else {
            Issue.record("not told apart")
            return
        }
        guard case .unreachable = ConnectFailure.error(message: "FATAL:  57P03: starting", needsPassword: false) else {
            Issue.record("not told apart")
            return
        }
    }

    @Test(arguments: [
        ("FATAL:  42704: unrecognized configuration parameter \"foo\" LOCATION:  f, guc.c:1", false),
        ("FATAL:  42704: unrecognized configuration parameter \"jit_foo\" LOCATION:  f, guc.c:1", false),
        ("FATAL:  42704: unrecognized configuration parameter \"client_connection_check_interval\"", true),
        ("FATAL:  42601: invalid command-line argument for server process: --nonsense", false),
        ("FATAL:  22023: invalid value for parameter \"work_mem\": \"x\"", false),
    ])
    func `of PGOPTIONS that the server refuses are a mistake, unless it is too old for Moose's own`(
        message: String, isOld: Bool
    ) {
        switch ConnectFailure.error(message: message, needsPassword: false) {
        case .invalidConfiguration(let reason): #expect(!isOld && reason.contains("PGOPTIONS"), "\(reason)")
        case .unsuitable(_, let remedy): #expect(isOld && remedy.contains("PostgreSQL 15"))
        case let other: Issue.record("\(other)")
        }
    }

    @Test func `of a server that says the same with SSL and without are said once`() {
        let answer = "connection to server at \"h\" (::1), port 1 failed: FATAL:  28P01: no LOCATION:  auth, auth.c:3"
        let other = answer.replacing("::1", with: "127.0.0.1")
        let once = "connection to server at \"h\" (::1), port 1 failed: FATAL: 28P01: no"
        #expect(
            ConnectFailure.error(message: "\(answer) \(answer)", needsPassword: false)
                == .authenticationFailed(reason: once))
        #expect(
            ConnectFailure.error(message: "\(answer) \(other) \(answer)", needsPassword: false)
                == .authenticationFailed(reason: "\(once) \(once.replacing("::1", with: "127.0.0.1"))"))
    }

    @Test func `of statements are prepared once by text and types, up to a limit`() {
        var prepared = PreparedStatements(limit: 1, session: 0)
        #expect(prepared.plan(for: "SELECT \(1)") == .prepareAs("moose_0_1"))
        prepared.remember("moose_0_1", "SELECT \(1)")
        #expect(prepared.plan(for: "SELECT \(2)") == .prepared("moose_0_1"))
        #expect(prepared.plan(for: "SELECT \("2")") == .unprepared)
        #expect(prepared.forget("SELECT \(1)") == true)
        #expect(prepared.plan(for: "SELECT \("2")") == .prepareAs("moose_0_2"))
    }

    @Test func `a NUL in a text, alone or in an array, fails nothing and is seen`() async throws {
        try await Server.withClient { client in
            let row = try #require(
                try await client.run("SELECT \("a\0b")::text, \(["x", "\0", "y\0\0z"])::text[], \("plain")::text").first
            )
            #expect(try row.decode(0, as: String.self) == "a\u{FFFD}b")
            #expect(try row.decode(1, as: [String].self) == ["x", "\u{FFFD}", "y\u{FFFD}\u{FFFD}z"])
            #expect(try row.decode(2, as: String.self) == "plain")
        }
    }
}
