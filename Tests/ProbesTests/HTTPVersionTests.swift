import NIOCore
import Testing

@testable import Probes

/// Clients of two versions of HTTP, against a real server.
@Suite(.timeLimit(.minutes(1))) struct HTTPVersionTests {
    /// Only the server's own close ends a wait here, none of its time-outs.
    private var patient: ConnectionLimits {
        var limits = ConnectionLimits()
        (limits.head, limits.body, limits.answer) = (.minutes(10), .minutes(10), .minutes(10))
        return limits
    }

    private static let echo = Route.post("/echo", bodyLimit: 100) { request in
        var body: [UInt8] = []
        try await request.readBody { part in
            body += part
            return true
        }
        return RouteAnswer(status: 200, type: "text/plain", body: body)
    }

    @Test(arguments: ["", "Host: a\r\n", "Connection: keep-alive\r\n", "Connection: Keep-Alive\r\nHost: a\r\n"])
    func `a request of HTTP/1.0 is answered, and the connection closed`(fields: String) async throws {
        try await serving(limits: patient) { address in
            let wire = try Wire(port: address.port)
            try wire.send("GET /readyz HTTP/1.0\r\n\(fields)\r\n")
            let answer = try await wire.read(until: nil)
            #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n") && answer.hasSuffix("\"status\":\"ok\"}\n"), "\(answer)")
            #expect(answer.contains("\r\nConnection: close\r\n") && answer.contains("\r\nContent-Length: "))
        }
    }

    @Test func `a client of HTTP/1.0 sends its body unasked, and is never told to go on`() async throws {
        try await serving([Self.echo], limits: patient) { address in
            let wire = try Wire(port: address.port)
            try wire.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nfour")
            let answer = try await wire.read(until: nil)
            #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n") && answer.hasSuffix("\r\n\r\nfour"), "\(answer)")
        }
    }

    @Test func `a request of HTTP/1.1 may name an empty host, and keeps its connection`() async throws {
        try await serving(limits: patient) { address in
            let wire = try Wire(port: address.port)
            for _ in 0..<2 {
                try wire.send("GET /readyz HTTP/1.1\r\nHost:\r\n\r\n")
                let answer = try await wire.read(until: "}\n")
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && !answer.contains("Connection: close"), "\(answer)")
            }
        }
    }

    @Test(arguments: ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n"])
    func `a request of HTTP/1.1 with no host, or with two, is refused in words, and the connection closed`(
        hosts: String
    ) async throws {
        try await serving(limits: patient) { address in
            let wire = try Wire(port: address.port)
            try wire.send("GET /readyz HTTP/1.1\r\n\(hosts)\r\n")
            let answer = try await wire.read(until: nil)
            #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(answer)")
            #expect(answer.contains("application/problem+json") && answer.contains("one Host header"))
        }
    }

    @Test func `who names no host isn't told to go on`() async throws {
        try await serving([Self.echo], limits: patient) { address in
            let wire = try Wire(port: address.port)
            try wire.send("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            #expect(try await wire.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func `who asks for it has the connection closed after the answer`() async throws {
        try await serving(limits: patient) { address in
            let wire = try Wire(port: address.port)
            try wire.send("GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n")
            #expect(try await wire.read(until: nil).contains("\r\nConnection: close\r\n"))
        }
    }
}
