import HTTPTypes
import NIOCore
import Testing

@testable import Probes

/// Clients that are slow, or too many, against a real server.
@Suite(.timeLimit(.minutes(1))) struct ConnectionGuardTests {
    /// Answers how many bytes its body had; those who show who they are are refused before.
    private static let count = Route.post("/count", bodyLimit: 100_000) { head in
        head.headerFields[.authorization] == nil
    } answer: { request in
        if request.head.headerFields[.authorization] != nil {
            return .problem(status: 401, title: "refused", detail: "early", headers: [.connection: "close"])
        }
        var count = 0
        try await request.readBody { part in
            count += part.count
            return true
        }
        return RouteAnswer(status: 200, type: "text/plain", body: Array("\(count) bytes".utf8))
    }

    private var fast: ConnectionLimits {
        var limits = ConnectionLimits()
        (limits.head, limits.body, limits.answer) = (.milliseconds(300), .milliseconds(300), .milliseconds(300))
        return limits
    }

    @Test(arguments: [
        "", "GET /healthz HTTP/1.1\r\nHost: a\r\n", "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
    ])
    func `who sends half a request and no more is closed`(half: String) async throws {
        try await serving([Self.count], limits: fast) { address in
            let port = address.port
            let wire = try Wire(port: port)
            if !half.isEmpty { try wire.send(half) }
            #expect(try await wire.read(until: nil).hasPrefix("HTTP/1.1 200") == false)
            let answer = try await get("/healthz", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `one connection too many takes the place of the one that waits longest`() async throws {
        var limits = ConnectionLimits()
        limits.connections = 8
        try await serving([Self.count], limits: limits) { address in
            let port = address.port
            let slow = try (0..<8).map { _ in try Wire(port: port) }
            let head = "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
            for wire in slow {
                try wire.send(head)
                // Its head was read: what it is waited for now is a body.
                #expect(try await wire.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
            }
            for _ in 0..<20 {
                let answer = try await get("/healthz", port: port)
                #expect(answer.hasPrefix("HTTP/1.1 200"))
            }
            // The first made room; with all probes gone the last is still served.
            #expect(try await slow[0].read(until: nil).hasPrefix("HTTP/1.1 200") == false)
            try slow[7].send("123456789")
            #expect(try await slow[7].read(until: "9 bytes").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a client that asks before it sends is told to go on, or its answer at once`() async throws {
        try await serving([Self.count]) { address in
            let port = address.port
            let head = "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
            let good = try Wire(port: port)
            try good.send(head + "\r\n")
            #expect(try await good.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue\r\n"))
            try good.send("four")
            #expect(try await good.read(until: "4 bytes").hasPrefix("HTTP/1.1 200"))
            let bad = try Wire(port: port)
            try bad.send(head + "Authorization: no\r\n\r\n")
            #expect(try await bad.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 401"))
        }
    }

    @Test func `an answer that comes before the end of the body is read, and then the connection is closed`()
        async throws
    {
        var limits = ConnectionLimits()
        limits.answer = .milliseconds(300)
        try await serving([Self.count], limits: limits) { address in
            let port = address.port
            let wire = try Wire(port: port)
            try wire.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\nAuthorization: no\r\n\r\nxx")
            #expect(try await wire.read(until: nil).hasPrefix("HTTP/1.1 401"))
        }
    }

    @Test func `a connection is used again, and HEAD has no body`() async throws {
        try await serving { address in
            let wire = try Wire(port: address.port)
            try wire.send("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
            let answers = try await wire.read(until: "there are /healthz, /readyz, /metrics")
            #expect(answers.hasPrefix("HTTP/1.1 200") && answers.contains("HTTP/1.1 404"))
            #expect(!answers.contains("checks"))
        }
    }
}
