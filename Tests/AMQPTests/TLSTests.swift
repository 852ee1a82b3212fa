import FoundationEssentials
import Glibc
import IOThread
import Stack
import TestSupport
import Testing

@testable import AMQP

/// A real RabbitMQ that listens with one certificate after the other.
@Suite(.serialized, .timeLimit(.minutes(3))) struct TLSTests {
    private static let folder = Task { try await makeFolder() }

    private static func makeFolder() async throws -> String {
        let folder = "/tmp/moose-tls-\(getpid())"
        // Readable for the broker's own user.
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        unsafe chmod(folder, 0o755)
        try TestStack.guardUntilExit(folder)
        let script = Repository.path("Tests/Acceptance/certificates.sh")
        let status = try await run("sh '\(script)' '\(folder)' >'\(folder)/log' 2>&1")
        try #require(status == 0)
        return folder
    }

    /// Runs a line of shell without holding up Swift's threads.
    private static func run(_ line: String) async throws -> Int32 {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        try IOThread(name: "shell") {
            continuation.yield(unsafe system(line))
            continuation.finish()
        }.detach()
        return await stream.first { _ in true } ?? -1
    }

    /// Runs the body with a TLS port of the broker that shows the certificate of that name.
    private func listening(
        with name: String, more: String = "", _ body: (_ port: Int, _ folder: String) async throws -> Void
    ) async throws {
        let folder = try await Self.folder.value
        let stack = try await TestStack.shared.stack()
        let port = Int.random(in: 20_000..<30_000)
        let path = "\"\(folder)/"
        let files =
            "[{certfile,\(path)\(name).pem\"},{keyfile,\(path)\(name).key\"},{cacertfile,\(path)ca.pem\"}\(more)]"
        let started = try await stack.evaluate(
            """
            application:ensure_all_started(ssl),
            rabbit_networking:start_ssl_listener({"127.0.0.1", \(port), inet}, \(files), 2).
            """)
        try #require(started.contains("ok"), "\(started)")
        try await body(port, folder)
        _ = try await stack.evaluate("rabbit_networking:stop_tcp_listener({\"127.0.0.1\", \(port), inet}).")
    }

    /// The broker's URL for a TLS port.
    private func url(_ host: String, _ port: Int, _ options: String) async throws -> String {
        let broker = try AMQPConfiguration(url: await TestStack.shared.stack().amqpURL(virtualHost: "moose"))
        return "amqps://\(broker.user):\(broker.password)@\(host):\(port)/moose?\(options)"
    }

    private func connect(_ url: String) async throws {
        let publisher = try AMQPPublisher(configuration: AMQPConfiguration(url: url))
        do {
            try await publisher.connect()
            await publisher.close()
        } catch {
            await publisher.close()
            throw error
        }
    }

    private func complaint(_ url: String) async throws -> String {
        let error = await #expect(throws: AMQPError.self) { try await connect(url) }
        return "\(try #require(error))"
    }

    @Test func `a certificate is good for its name, for its address and for a name that the URL sets`() async throws {
        try await listening(with: "good") { port, folder in
            try await connect(url("localhost", port, "cacertfile=\(folder)/ca.pem"))
            try await connect(url("127.0.0.1", port, "cacertfile=\(folder)/ca.pem"))
        }
        try await listening(with: "named") { port, folder in
            let trusted = "cacertfile=\(folder)/ca.pem"
            try await connect(url("127.0.0.1", port, trusted + "&server_name_indication=broker.example"))
            for host in ["127.0.0.1", "localhost"] {
                #expect(try await complaint(url(host, port, trusted)).contains("for another name than '\(host)'"))
            }
        }
    }

    @Test func `messages go through TLS both ways`() async throws {
        try await listening(with: "good") { port, folder in
            let configuration = try await AMQPConfiguration(url: url("localhost", port, "cacertfile=\(folder)/ca.pem"))
            let queue = Broker.queue()
            try await Broker.withPublisher(Topology(queues: [queue]), configuration: configuration) { publisher in
                try await publisher.publish(Broker.messages(0..<500, for: queue.name))
                #expect(try await publisher.queueStatistics(queue.name)?.messages == 500)
            }
        }
    }

    @Test(arguments: [("expired", "has expired"), ("early", "is not valid yet")])
    func `a date out of range is named`(certificate: String, words: String) async throws {
        try await listening(with: certificate) { port, folder in
            let text = try await complaint(url("localhost", port, "cacertfile=\(folder)/ca.pem"))
            #expect(text.contains(words), "\(text)")
        }
    }

    @Test func `an unknown authority is named, unless nothing is verified`() async throws {
        try await listening(with: "good") { port, folder in
            for options in ["cacertfile=\(folder)/other-ca.pem", "heartbeat=15"] {
                let text = try await complaint(url("localhost", port, options))
                #expect(text.contains("unknown authority") && text.contains("cacertfile"), "\(text)")
            }
            try await connect(url("localhost", port, "verify=verify_none"))
        }
    }

    @Test func `a broker that wants a client certificate says so, and takes a good one only`() async throws {
        try await listening(with: "good", more: ",{verify,verify_peer},{fail_if_no_peer_cert,true}") { port, folder in
            let trusted = "cacertfile=\(folder)/ca.pem"
            let none = try await complaint(url("localhost", port, trusted))
            #expect(none.contains("asks for a client certificate") && none.contains("certfile"), "\(none)")
            let shown = trusted + "&certfile=\(folder)/client.pem"
            try await connect(url("localhost", port, shown + "&keyfile=\(folder)/client.key"))
            let locked = shown + "&keyfile=\(folder)/locked.key"
            #expect(try await complaint(url("localhost", port, locked)).contains("needs the option password"))
            let wrong = try await complaint(url("localhost", port, locked + "&password=wrong"))
            #expect(wrong.contains("opened (password)"), "\(wrong)")
            try await connect(url("localhost", port, locked + "&password=locked"))
            let stranger = trusted + "&certfile=\(folder)/stranger.pem&keyfile=\(folder)/stranger.key"
            let refused = try await complaint(url("localhost", port, stranger))
            #expect(refused.contains("client certificate"), "\(refused)")
        }
    }

    @Test func `files that can't be used are named before anything is sent`() async throws {
        let folder = try await Self.folder.value
        for (options, words) in [
            ("cacertfile=/nowhere/ca.pem", "/nowhere/ca.pem can't be read (cacertfile)"),
            ("cacertfile=\(folder)/ca.pem&certfile=/nowhere/c.pem&keyfile=\(folder)/client.key", "(certfile)"),
            ("cacertfile=\(folder)/ca.pem&certfile=\(folder)/client.pem&keyfile=/nowhere/k.pem", "(keyfile)"),
            (
                "cacertfile=\(folder)/ca.pem&certfile=\(folder)/client.pem&keyfile=\(folder)/good.key",
                "not that of the certificate"
            ),
        ] {
            let text = try await complaint(url("localhost", 1, options))
            #expect(text.contains(words), "\(text)")
        }
    }

    @Test func `TLS on a plain port and plain on a TLS port are told apart from a broker that is away`() async throws {
        try await listening(with: "good") { port, _ in
            let plain = try await url("localhost", port, "").replacing("amqps://", with: "amqp://")
            let text = try await complaint(plain)
            #expect(text.contains("the port speaks TLS") && text.contains("amqps://"), "\(text)")
        }
        let broker = try await AMQPConfiguration(url: TestStack.shared.stack().amqpURL(virtualHost: "moose"))
        let text = try await complaint(url("localhost", broker.addresses[0].port, ""))
        #expect(text.contains("the port speaks AMQP without TLS") && text.contains("5671"), "\(text)")
    }

    @Test func `a name is asked for, an address isn't`() async throws {
        let port = try SilentPort(answering: [0])
        defer { port.close() }
        _ = try await complaint(url("localhost", port.port, ""))
        #expect(port.text.contains("localhost"))
        let other = try SilentPort(answering: [0])
        defer { other.close() }
        _ = try await complaint(url("127.0.0.1", other.port, ""))
        #expect(!other.text.contains("127.0.0.1"))
        _ = try await complaint(url("127.0.0.1", other.port, "server_name_indication=broker.example"))
        #expect(other.text.contains("broker.example"))
    }
}
