import Telemetry
import Testing

@testable import Probes

@Suite(.timeLimit(.minutes(1))) struct ProbesTests {
    @Test func `a ready process says so, and its metrics are there`() async throws {
        let registry = MetricsRegistry()
        registry.observe(.outboxLag) { 1.5 }
        try await serving(checks: [ProbeCheck(name: "broker", isReady: true)], registry: registry) { address in
            let port = address.port
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

    @Test func `a lost broker makes it unready by name but keeps it alive`() async throws {
        let checks = [
            ProbeCheck(name: "database", isReady: true),
            ProbeCheck(name: "broker", isReady: false, detail: "reconnecting for 12 s"),
        ]
        try await serving(checks: checks) { address in
            let ready = try await get("/readyz", port: address.port)
            #expect(ready.hasPrefix("HTTP/1.1 503 "))
            #expect(ready.contains(#""failing":["broker"]"#))
            #expect(ready.contains("reconnecting for 12 s"))
            let alive = try await get("/healthz", port: address.port)
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `what only a restart can help is not alive`() async throws {
        try await serving(checks: [ProbeCheck(name: "watchdog", isReady: false, needsRestart: true)]) { address in
            let answer = try await get("/healthz", port: address.port)
            #expect(answer.hasPrefix("HTTP/1.1 503 "))
        }
    }

    @Test func `the metrics may be those of a whole group`() async throws {
        let metrics: @Sendable () async -> [UInt8] = { Array("all 1\n".utf8) }
        try await serving(metrics: metrics) { address in
            let answer = try await get("/metrics", port: address.port)
            #expect(answer.hasSuffix("all 1\n"))
        }
    }

    @Test func `a taken port is named, and so is an address that the machine hasn't`() async throws {
        try await serving { address in
            // The outer server holds the port for as long as this body runs.
            await #expect(throws: ProbesError.portTaken(address)) { try await serving(at: address) { _ in } }
        }
        // Set aside for documentation: no machine has it.
        let foreign = ServerAddress(host: "192.0.2.1", port: 0)
        await #expect(throws: ProbesError.addressMissing(foreign)) { try await serving(at: foreign) { _ in } }
    }
}
