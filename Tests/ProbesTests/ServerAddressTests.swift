import Testing

@testable import Probes

/// Where the server listens, and what it doesn't show there.
@Suite(.timeLimit(.minutes(1))) struct ServerAddressTests {
    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.9.1", true), ("::1", true), ("0:0:0:0:0:0:0:1", true), ("::ffff:127.0.0.1", true),
        ("0.0.0.0", false), ("::", false), ("192.0.2.1", false), ("::ffff:192.0.2.1", false), ("2001:db8::1", false),
        ("localhost", false), ("", false),
    ])
    func `loopback is told from what other machines reach`(host: String, isLoopback: Bool) {
        #expect(ServerAddress(host: host, port: 1).isLoopback == isLoopback)
    }

    @Test func `an IPv6 address is shown in brackets`() {
        #expect(ServerAddress(port: 9100).url == "http://127.0.0.1:9100")
        #expect(ServerAddress(host: "::1", port: 9100).url == "http://[::1]:9100")
    }

    @Test func `what is only looked at is shown on every address`() async throws {
        let figures = Route.get("/figures", reach: .anywhere) { _ in
            RouteAnswer(status: 200, type: "text/plain", body: Array("7".utf8))
        }
        try await serving([figures], at: ServerAddress(host: "0.0.0.0", port: 0)) { address in
            #expect(address.port > 0 && address.host == "0.0.0.0")
            for path in ["/healthz", "/readyz", "/metrics", "/figures"] {
                let answer = try await get(path, port: address.port)
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test(.enabled(if: Wire.hasIPv6)) func `the server listens on IPv6, too`() async throws {
        try await serving(at: ServerAddress(host: "::1", port: 0)) { address in
            let wire = try Wire(port: address.port, isIPv6: true)
            try wire.send("GET /healthz HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
            #expect(try await wire.read(until: nil).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1"])
    func `what changes something isn't served where other machines reach it, and is named`(host: String) async throws {
        let change = Route.post("/change", bodyLimit: 1) { _ in
            RouteAnswer(status: 200, type: "text/plain", body: [])
        }
        let address = ServerAddress(host: host, port: 0)
        let error = await #expect(throws: ProbesError.self) {
            try await serving([change], at: address) { _ in Issue.record("it listens") }
        }
        #expect(error == .notForOthers(route: "POST /change", address))
        #expect(error?.description.contains("--listen") == true)
    }
}
