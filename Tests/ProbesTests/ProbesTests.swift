import Logging
import Telemetry
import Testing

@testable import Probes

@Suite struct ProbesTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Serves probes while `body` runs, then stops them.
    private func serving(
        _ checks: [ProbeCheck],
        registry: MetricsRegistry = MetricsRegistry(),
        _ body: (Int) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let probes = Probes(
            port: 0, registry: registry, logger: quiet, health: { checks }, onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await probes.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await body(port)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a ready process says so, and its metrics are there`() async throws {
        let registry = MetricsRegistry()
        registry.observe(.outboxLag) { 1.5 }
        try await serving([ProbeCheck(name: "broker", isReady: true)], registry: registry) { port in
            let ready = try await get("/readyz", port: port)
            #expect(ready.hasPrefix("HTTP/1.1 200 "))
            #expect(ready.contains(#"{"checks":[{"name":"broker","ready":true}],"failing":[],"status":"ok"}"#))
            let alive = try await get("/healthz", port: port)
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
            let metrics = try await get("/metrics", port: port)
            #expect(metrics.contains("moose_outbox_lag_seconds 1.5\n"))
            #expect(metrics.lowercased().contains("content-type: text/plain; version=0.0.4"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a lost broker makes it unready by name but keeps it alive`() async throws {
        let checks = [
            ProbeCheck(name: "database", isReady: true),
            ProbeCheck(name: "broker", isReady: false, detail: "reconnecting for 12 s"),
        ]
        try await serving(checks) { port in
            let ready = try await get("/readyz", port: port)
            #expect(ready.hasPrefix("HTTP/1.1 503 "))
            #expect(ready.contains(#""failing":["broker"]"#))
            #expect(ready.contains("reconnecting for 12 s"))
            let alive = try await get("/healthz", port: port)
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what only a restart can help is not alive`() async throws {
        try await serving([ProbeCheck(name: "watchdog", isReady: false, needsRestart: true)]) { port in
            let answer = try await get("/healthz", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 503 "))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `other paths and other methods are refused`() async throws {
        try await serving([]) { port in
            let missing = try await get("/secret", port: port)
            #expect(missing.hasPrefix("HTTP/1.1 404 "))
            let posted = try await get("/healthz", port: port, method: "POST")
            #expect(posted.hasPrefix("HTTP/1.1 405 "))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a role answers on paths of its own and with metrics of its own`() async throws
    {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let probes = Probes(
            port: 0, registry: MetricsRegistry(), logger: quiet, health: { [] }, metrics: { Array("all 1\n".utf8) },
            answer: { path in
                switch path {
                case "/api/here": ProbeAnswer(status: 200, type: "application/json", body: Array("{}".utf8))
                case "/api/gone": .problem(status: 404, title: "unknown lane", detail: "there is \"none\"")
                default: nil
                }
            }, onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await probes.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let here = try await get("/api/here", port: port)
            #expect(here.hasPrefix("HTTP/1.1 200 ") && here.contains("application/json") && here.hasSuffix("{}"))
            let gone = try await get("/api/gone", port: port)
            #expect(gone.hasPrefix("HTTP/1.1 404 ") && gone.contains("application/problem+json"))
            #expect(gone.contains(#"{"detail":"there is \"none\"","status":404,"title":"unknown lane"}"#))
            #expect(try await get("/other", port: port).hasPrefix("HTTP/1.1 404 "))
            #expect(try await get("/metrics", port: port).hasSuffix("all 1\n"))
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a taken port is named`() async throws {
        try await serving([]) { port in
            // The outer server holds the port for as long as this body runs.
            let second = Probes(port: port, registry: MetricsRegistry(), logger: quiet, health: { [] })
            await #expect(throws: ProbesError.portTaken(port)) { try await second.run() }
        }
    }
}
