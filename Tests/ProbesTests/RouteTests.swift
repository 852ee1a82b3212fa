import HTTPTypes
import Testing

@testable import Probes

/// What a role's own routes are asked, and what those hear who ask for something else.
@Suite(.timeLimit(.minutes(1))) struct RouteTests {
    private static func told(_ text: String) -> RouteAnswer {
        RouteAnswer(status: 200, type: "text/plain", body: Array(text.utf8))
    }

    private static let routes: [Route] = [
        .get("/api/orders/{id}") { told("order \($0.parameters["id", default: "?"])") },
        .get("/api/orders/{id}/parts/{part}") { request in
            told("\(request.parameters["id", default: "?"]), \(request.parameters["part", default: "?"])")
        },
        .get("/api/orders/newest") { _ in told("the newest") },
        .post("/api/orders", bodyLimit: 10) { request in
            var body: [UInt8] = []
            try await request.readBody { part in
                body += part
                return true
            }
            return RouteAnswer(status: 201, type: "text/plain", body: body)
        },
        .get("/api/orders") { _ in told("all") },
        .get("/broken") { _ in throw Broken() },
    ]

    private struct Broken: Error {}

    @Test(arguments: [
        ("/api/orders/7", "order 7"), ("/api/orders/newest", "the newest"),
        ("/api/orders/a%2Fb%20%C3%A4?x=/y", "order a/b ä"),
        ("/api/orders/7/parts/x", "7, x"), ("/api/orders?limit=5", "all"),
    ])
    func `the route that says most of a path answers, and is told what stands in the braces`(
        path: String, words: String
    ) async throws {
        try await serving(Self.routes) { address in
            let answer = try await get(path, port: address.port)
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("\r\n\r\n\(words)"), "\(answer)")
        }
    }

    @Test(arguments: [
        "/", "/secret", "/healthz/", "//healthz", "/api/orders/", "/api/orders/7/", "/api/orders//parts/x",
        "/api/orders/%",
        "/api/orders/%4", "/api/orders/%FF", "/%68ealthz",
    ])
    func `a path that isn't there is 404 for every method, in words`(path: String) async throws {
        try await serving(Self.routes) { address in
            for method in ["GET", "POST", "DELETE", "OPTIONS"] {
                let answer = try await get(path, port: address.port, method: method)
                #expect(answer.hasPrefix("HTTP/1.1 404 ") && answer.contains("application/problem+json"), "\(answer)")
                #expect(answer.contains("there are /healthz, /readyz, /metrics, /api/orders/{id}"))
            }
        }
    }

    @Test(arguments: [
        ("/metrics", "POST", "GET, HEAD"), ("/api/orders", "DELETE", "POST, GET, HEAD"),
        ("/api/orders/newest", "PUT", "GET, HEAD"),
    ])
    func `another method is 405 with those that are answered`(path: String, method: String, allowed: String)
        async throws
    {
        try await serving(Self.routes) { address in
            let answer = try await get(path, port: address.port, method: method)
            #expect(answer.hasPrefix("HTTP/1.1 405 ") && answer.contains("\r\nAllow: \(allowed)\r\n"), "\(answer)")
            #expect(answer.contains(#"{"detail":"this path answers \#(allowed) only","status":405,"title":"#))
        }
    }

    @Test func `a body is taken up to its route's limit, whether or not the head says its length`() async throws {
        try await serving(Self.routes) { address in
            for (sent, status) in [
                ("Content-Length: 10\r\n\r\n0123456789", "201"), ("Content-Length: 0\r\n\r\n", "201"),
            ] {
                let wire = try Wire(port: address.port)
                try wire.send("POST /api/orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(sent)")
                #expect(try await wire.read(until: nil).hasPrefix("HTTP/1.1 \(status) "))
            }
            for sent in ["Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n"] {
                let wire = try Wire(port: address.port)
                try wire.send("POST /api/orders HTTP/1.1\r\nHost: a\r\n\(sent)")
                let answer = try await wire.read(until: "}\n")
                #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.contains("\r\nConnection: close\r\n"), "\(answer)")
                #expect(answer.contains("a body here has up to 10 bytes"))
            }
        }
    }

    @Test(arguments: [
        ("POST /api/orders", 10, true), ("POST /api/orders", 11, false), ("GET /api/orders", 10, false),
        ("POST /nowhere", 10, false),
    ])
    func `only who asks with a body that its route takes is told to go on`(request: String, length: Int, goesOn: Bool)
        async throws
    {
        try await serving(Self.routes) { address in
            let wire = try Wire(port: address.port)
            try wire.send("\(request) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n")
            #expect(try await wire.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 ") == goesOn)
        }
    }

    @Test func `a route that fails is answered 500 without what only the log may know, and others go on`() async throws
    {
        try await serving(Self.routes) { address in
            let answer = try await get("/broken", port: address.port)
            #expect(answer.hasPrefix("HTTP/1.1 500 ") && !answer.contains("Broken"), "\(answer)")
            let next = try await get("/healthz", port: address.port)
            #expect(next.hasPrefix("HTTP/1.1 200 "))
        }
    }
}
