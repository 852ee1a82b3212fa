import AsyncHTTPClient
import DatabaseSupport
import FoundationEssentials
import Logging
import MissionControl
import NIOCore
import NIOHTTP1
import Postgres
import Probes
import Reporting
import Store
import Telemetry
import Testing
import WorkOrders

@testable import Sentinel

/// A database of its own with what Sentinel does to it.
struct SentinelDesk: Sendable {
    static let secret = "a secret for tests, long enough"
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let database: MooseDatabase
    let worker = UUID()
    var judge: SentinelJudge

    var store: Store { Store(database.client) }

    /// Runs the body with a fresh database; afterwards what Sentinel told people keeps its published schema.
    static func open(_ body: (SentinelDesk) async throws -> Void) async throws {
        try await MooseDatabase.open(connections: 4) { database in
            var judge = SentinelJudge()
            judge.workflows = ["Build", "Test"]
            try await body(SentinelDesk(database: database, judge: judge))
            try await database.expectPublishedEvents()
        }
    }

    /// Serves Mission Control while the body runs.
    func serving(
        secret: String? = SentinelDesk.secret, unchecked: Int = 32 * 1024 * 1024,
        limits: ConnectionLimits = ConnectionLimits(),
        _ body: (String) async throws -> Void
    ) async throws {
        try await servingRoute(secret: secret, unchecked: unchecked, limits: limits) { url, _ in try await body(url) }
    }

    /// The same for who asks the route itself something.
    func servingRoute(
        secret: String? = SentinelDesk.secret, unchecked: Int, limits: ConnectionLimits,
        _ body: (String, SentinelRoute) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: ServerAddress.self)
        let route = SentinelRoute(
            SentinelReceiver(
                store: store, secret: secret, reporter: Reporter(component: "sentinel", logger: Self.quiet)),
            unchecked: unchecked)
        let server = Probes(
            address: ServerAddress(port: 0), registry: MetricsRegistry(), logger: Self.quiet, health: { [] },
            routes: [route.route], limits: limits, onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var iterator = ports.makeAsyncIterator()
            let address = try #require(await iterator.next())
            try await body("\(address.url)/api/sentinel", route)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Sends a webhook as GitHub does. A header given as nil is left out.
    func post(_ url: String, _ body: String, _ headers: [String: String?] = [:]) async throws -> (Int, String) {
        let bytes = Array(body.utf8)
        let all: [String: String?] = [
            "X-Hub-Signature-256": WebhookSignature.of(bytes, secret: Self.secret), "X-GitHub-Event": "workflow_run",
            "X-GitHub-Delivery": UUID().uuidString, "Content-Type": "application/json",
        ]
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for (name, value) in all.merging(headers, uniquingKeysWith: { $1 }) {
            if let value { request.headers.add(name: name, value: value) }
        }
        request.body = .bytes(ByteBuffer(bytes: bytes))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 65_536)))
    }

    /// An order that runs, with the token of its attempt.
    func running(dependsOn: [UUID] = [], replyTo: String? = nil) async throws -> (id: UUID, token: Int64) {
        let id = UUID.timeOrdered()
        let body = Array(#"{"id":"\#(id)","kind":"work","title":"t","estimated_cost_usd":"0"}"#.utf8)
        let item = ClaimItem(
            form: try WorkOrderMessage.decode(body, messageID: nil, lane: "default"), body: body, replyTo: replyTo)
        return (id, try await claim(item))
    }

    /// Claims an order, or one that is due again, and returns the token of its attempt.
    func claim(_ item: ClaimItem) async throws -> Int64 {
        let verdict = try await store.claim(
            [item], claim: UUID(),
            terms: ClaimTerms(
                worker: worker, lease: .seconds(45), unknownKindGrace: .seconds(600),
                kinds: ["work": KindTerms(estimate: .zero)]), park: false)[0]
        guard case .run(let grant) = verdict else {
            Issue.record("it was to run, but the verdict is \(verdict)")
            return 0
        }
        return grant.token
    }

    /// Ends the attempt with a pull request.
    func propose(_ order: (id: UUID, token: Int64), _ pull: PullRequest) async throws {
        #expect(try await end(order, pull))
    }

    /// The same for an end that may be refused; returns whether it was accepted.
    func end(_ order: (id: UUID, token: Int64), _ pull: PullRequest) async throws -> Bool {
        let report = AttemptReport(didStart: true, cost: .zero, result: Array("1".utf8), pullRequest: pull)
        return try await store.finish(
            [
                FinishItem(
                    id: order.id, token: order.token, ending: .review(pull), report: report, handler: "work",
                    duration: .seconds(1))
            ], worker: worker) == [true]
    }

    /// An order that waits for CI.
    func proposed(_ number: Int, repository: String? = nil, sha: String? = nil) async throws -> UUID {
        let order = try await running()
        try await propose(order, try #require(PullRequest(number: number, repository: repository, headSHA: sha)))
        return order.id
    }

    /// The end of a workflow's run arrives.
    @discardableResult
    func arrives(
        _ workflow: String, _ conclusion: String = "success", run: Int64 = 1, attempt: Int32 = 1,
        sha: String = Webhook.sha, pull: Int32 = 12, repository: String = "octo/hello-world"
    ) async throws -> Bool {
        try await store.receiveWorkflowRun(
            delivery: UUID().uuidString, repository: repository, pullRequests: [pull], run: run, attempt: attempt,
            workflow: workflow, headSHA: sha, conclusion: conclusion, url: nil)
    }

    func look() async throws { try await judge.look(store, logger: Self.quiet) }

    func run(_ sql: String) async throws { try await database.run(sql) }

    func state(_ id: UUID) async throws -> String { try await database.state(id) }

    /// How many rows a table expression with its condition has.
    func count(_ source: String) async throws -> Int64 { try await database.count(source) }

    /// The error events that wait to be sent, of this order or of none.
    func events(_ id: UUID?) async throws -> Int64 {
        try await count(
            """
            moose.outbox WHERE type = 'moose.error-event.v1' AND convert_from(body, 'UTF8')::json ->> 'work_order_id'
            IS NOT DISTINCT FROM \(id.map { "'\($0.uuidString.lowercased())'" } ?? "NULL")
            """)
    }
}
