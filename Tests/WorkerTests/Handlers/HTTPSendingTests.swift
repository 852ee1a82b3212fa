import FoundationEssentials
import Testing
import WorkOrders

@testable import Worker

/// What was sent and what was not, against a real server on this machine.
struct HTTPSendingTests {
    typealias Server = HTTPHandlerTestsServer

    private func run(
        _ url: String, connections: Int = 4, jobs: [Job] = [CommandHandlerTestsBench.job()]
    ) async throws -> [Outcome] {
        let client = HandlerClient(connectionsPerHost: connections)
        let handler = HTTPHandler(HTTPConfiguration(url: url), client: client)
        var outcomes: [Outcome] = []
        for job in jobs { outcomes.append(await handler.run(job)) }
        try await client.shutdown()
        return outcomes
    }

    @Test func `an order that gets no connection within its time-out was not sent and has not begun`() async throws {
        let server = try Server { _ in .silence }
        let client = HandlerClient(connectionsPerHost: 1)
        let handler = HTTPHandler(HTTPConfiguration(url: server.url), client: client)
        let holder = Task { await handler.run(CommandHandlerTestsBench.job()) }
        await server.waitsForRequest()
        let outcome = await handler.run(CommandHandlerTestsBench.job(timeout: .milliseconds(300)))
        #expect(outcome.isNotBegun)
        #expect(!outcome.report.didStart)
        holder.cancel()
        #expect(await holder.value.isInterrupted)
        #expect(server.requests.count == 1)
        try await client.shutdown()
    }

    @Test func `a TLS handshake that fails has sent nothing`() async throws {
        // Plain HTTP, where the client expects TLS.
        let server = try Server { _ in .reply(200) }
        let outcome = try await run("https://127.0.0.1:\(server.port)/")[0]
        #expect(outcome.isNotBegun)
        #expect(!outcome.report.didStart)
        #expect(server.requests.isEmpty)
    }

    @Test func `a service that closes a kept connection without a word gets the order once more, under the same key`()
        async throws
    {
        // The head promises to keep the connection; the server closes it all the same.
        let server = try Server { _ in
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        }
        let jobs = [CommandHandlerTestsBench.job(), CommandHandlerTestsBench.job(), CommandHandlerTestsBench.job()]
        #expect(try await run(server.url, connections: 1, jobs: jobs).allSatisfy(\.isCompleted))
        #expect(server.requests.map { $0.headers["idempotency-key"] } == jobs.map { $0.id.text })

        let shy = try Server { _ in .hangUp }
        let outcome = try await run(shy.url)[0]
        #expect(outcome.failure?.retry == .backoff)
        #expect(outcome.report.didStart)
        #expect(shy.requests.count == 2)
        #expect(Set(shy.requests.map { $0.headers["idempotency-key"] }).count == 1)
    }

    @Test func `an answer that has begun is not asked for again`() async throws {
        let server = try Server { _ in .raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{") }
        let outcome = try await run(server.url)[0]
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(server.requests.count == 1)
    }

    @Test func `the body arrives whole, also a large one`() async throws {
        let server = try Server { request in .reply(200, body: Array("\(request.body.count)".utf8)) }
        let body = #"{"kind":"k","title":"t","payload":""# + String(repeating: "x", count: 900_000) + "\"}"
        let job = CommandHandlerTestsBench.job(body)
        let outcome = try await run(server.url, jobs: [job])[0]
        #expect(outcome.resultText == "\(try #require(WorkOrderDocument.bytes(for: job)).count)")
        #expect(server.requests.first?.headers["content-length"] == outcome.resultText)
        #expect(server.requests.first?.headers["accept-encoding"] == "identity")
    }
}
