import Glibc
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `When the server fails over` {
    @Test func `a session that takes no writes any more is thrown away, and so are its neighbours`() async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 3) { client in
                try await client.runSimple("CREATE TABLE public.t (n int8)")
                // All three, as when the server became a standby without ending them.
                try await client.withConnection { one in
                    try await client.withConnection { two in
                        try await client.withConnection { three in
                            for session in [one, two, three] {
                                try await session.runSimple("SET default_transaction_read_only TO on")
                            }
                        }
                    }
                }
                #expect(client.status().open == 3)
                await #expect {
                    try await client.run("INSERT INTO public.t VALUES (\(1))")
                } throws: { error in
                    guard case .connectionLost(let reason, outcomeUnknown: false) = error as? PostgresError else {
                        return false
                    }
                    return reason.contains("25006") && (error as? PostgresError)?.isTransient == true
                }
                for n in 2...4 { _ = try await client.run("INSERT INTO public.t VALUES (\(n))") }
                let count = try await client.run("SELECT count(*) FROM public.t").first
                #expect(try count?.decode(0, as: Int.self) == 3)
            }
        }
    }

    @Test func `a session that is lent out is given up when its user is done`() async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                try await client.runSimple("CREATE TABLE public.t (n int8)")
                await #expect(throws: PostgresError.self) {
                    try await client.withTransaction { transaction in
                        _ = try await transaction.run("SET TRANSACTION READ ONLY")
                        _ = try await transaction.run("INSERT INTO public.t VALUES (\(1))")
                    }
                }
                _ = try await client.run("INSERT INTO public.t VALUES (\(2))")
            }
        }
    }

    @Test func `a host that takes connections and says nothing doesn't keep the next from being tried`() async throws {
        let silent = try #require(SilentHost())
        let port = try await Server.withClient { client in
            try await client.run("SELECT current_setting('port')").first?.decode(0, as: String.self) ?? ""
        }
        var configuration = PostgresConfiguration(
            url: Server.url(with: "host=127.0.0.1,127.0.0.1&port=\(silent.port),\(port)"))
        configuration.connectTimeout = .seconds(4)
        configuration.acquireTimeout = .seconds(20)
        try await Server.withClient(configuration, maxConnections: 2) { client in
            try await client.connect()
            // The next session begins where the first one ended.
            let clock = ContinuousClock.now
            try await client.withConnection { _ in _ = try await client.run("SELECT 1") }
            #expect(ContinuousClock.now - clock < .seconds(1.5))
        }
    }

    @Test func `hosts are taken from URL and environment as libpq would`() {
        func hosts(_ url: String) -> [[String: String]] { ServerHost.all(of: url).map(\.settings) }
        #expect(hosts("postgresql://a@h/d") == [[:]])
        #expect(
            hosts("postgresql://a@h1:1,h2,h3:3/d") == [
                ["host": "h1", "port": "1"], ["host": "h2", "port": ""], ["host": "h3", "port": "3"],
            ])
        #expect(hosts("host=h1,h2 port=7") == [["host": "h1"], ["host": "h2"]])
        #expect(hosts("hostaddr=10.0.0.1,10.0.0.2 dbname=d") == [["hostaddr": "10.0.0.1"], ["hostaddr": "10.0.0.2"]])
        #expect(hosts("host=h1,h2 port=1,2,3") == [[:]], "libpq says what is wrong with it")
        #expect(hosts("not = a = url") == [[:]])
    }

    @Test func `of a standby, a pooler and a strange database each is told apart`() {
        func problem(_ fields: [String], expected: Int32? = 7) -> PostgresError? {
            SessionFacts(fields)?.problem(expected: expected)
        }
        #expect(problem(["7", "f", "UTF8", "origin"]) == nil)
        #expect(problem(["8", "f", "UTF8", "origin"]) == .pooled)
        #expect(problem(["8", "f", "UTF8", "origin"], expected: nil) == nil)
        #expect(problem(["7", "t", "UTF8", "origin"])?.isTransient == true, "it may be promoted")
        #expect(problem(["7", "f", "LATIN1", "origin"])?.isTransient == false)
        #expect(problem(["7", "f", "UTF8", "replica"])?.isTransient == false)
        #expect(SessionFacts(["x"]) == nil)
    }

    @Test func `what most needs a person is said of several hosts`() {
        let away = PostgresError.unreachable(reason: "refused")
        let other = PostgresError.unreachable(reason: "it is a standby")
        #expect(ConnectFailure.together([away, other]) == .unreachable(reason: "refused; it is a standby"))
        let denied = PostgresError.authenticationFailed(reason: "no")
        #expect(ConnectFailure.together([away, denied, other]) == denied)
    }

    @Test func `a conflict is tried again, and told when it stays`() async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                try await client.runSimple(
                    """
                    CREATE SEQUENCE public.tries;
                    CREATE FUNCTION public.conflicts(p_until bigint, p_state text) RETURNS bigint LANGUAGE plpgsql AS $$
                    DECLARE v_try bigint := nextval('public.tries');
                    BEGIN
                        IF v_try < p_until THEN RAISE EXCEPTION 'in the way' USING ERRCODE = p_state; END IF;
                        RETURN v_try;
                    END $$
                    """)
                for state in ["40001", "40P01"] {
                    try await client.runSimple("ALTER SEQUENCE public.tries RESTART")
                    let tries = try await client.run("SELECT public.conflicts(\(3), \(state))").first
                    #expect(try tries?.decode(0, as: Int.self) == 3)
                }
                await #expect {
                    try await client.run("SELECT public.conflicts(\(1_000), \("40001"))")
                } throws: { error in
                    (error as? PostgresError)?.isConflict == true
                }
                try await client.runSimple("ALTER SEQUENCE public.tries RESTART")
                await #expect(throws: PostgresError.self) {
                    try await client.run("SELECT public.conflicts(\(3), \("23505"))")
                }
            }
        }
    }
}

/// A port that takes connections and never says a word.
private final class SilentHost {
    let port: UInt16
    private let socket: Int32

    init?() {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.socket = socket
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(socket, address, length) == 0 && listen(socket, 16) == 0
                    && getsockname(socket, address, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        if !isBound { return nil }
    }

    deinit { close(socket) }
}
