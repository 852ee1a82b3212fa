import AsyncHTTPClient
import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import IOThread
@testable import Worker

/// A real client against a real server on this machine.
struct HTTPHandlerTests {
    typealias Server = HTTPHandlerTestsServer

    private func run(
        _ configuration: HTTPConfiguration, job: Job = CommandHandlerTestsBench.job()
    ) async throws -> Outcome {
        let client = HandlerClient(connectionsPerHost: 4)
        let outcome = await HTTPHandler(configuration, client: client).run(job)
        try await client.shutdown()
        return outcome
    }

    private func run(
        answer: Server.Answer, job: Job = CommandHandlerTestsBench.job(), costHeader: String? = nil
    ) async throws -> Outcome {
        let server = try Server { _ in answer }
        return try await run(HTTPConfiguration(url: server.url, costHeader: costHeader), job: job)
    }

    private static func json(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `an order is posted with its id, and the answer is the result`() async throws {
        let server = try Server { _ in .reply(200, body: Self.json(#"{"answer":[1.50,"ü"]}"#)) }
        let job = CommandHandlerTestsBench.job(
            #"{"kind":"k","title":"Füße"}"#, attempt: 3,
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        let outcome = try await run(
            HTTPConfiguration(
                url: server.url + "?a=b", headers: ["X-Key": "abc", "content-type": "application/x+json"]),
            job: job)
        #expect(outcome.isCompleted)
        #expect(outcome.resultText == #"{"answer":[1.50,"ü"]}"#)
        #expect(outcome.report.didStart)
        let request = try #require(server.requests.first)
        let id = job.id.uuidString.lowercased()
        #expect(server.requests.count == 1)
        #expect(request.line == "POST /hook?a=b HTTP/1.1")
        #expect(request.headers["x-key"] == "abc")
        #expect(request.headers["content-type"] == "application/x+json")
        #expect(request.headers["idempotency-key"] == id)
        #expect(request.headers["traceparent"] == job.traceparent)
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == "{\"id\":\"\(id)\",\"attempt\":3,\"kind\":\"k\",\"title\":\"Füße\"}")
    }

    @Test func `an answer's time-out is kept by the deadlines, and forgotten when the answer is there`() async throws {
        let far = ContinuousClock.now + .seconds(700_000)
        let kept = Mutex(0)
        let server = try Server { _ in
            kept.withLock { $0 = Deadlines.shared.count(after: far) }
            return .reply(204)
        }
        let job = CommandHandlerTestsBench.job(timeout: .seconds(750_000))
        #expect(try await run(HTTPConfiguration(url: server.url), job: job).isCompleted)
        // At least: a command of another test may have a longer one.
        #expect(kept.withLock { $0 } >= 1)
        try await eventually("the deadline is gone") {
            Deadlines.shared.count(after: far) <= kept.withLock { $0 } - 1
        }
    }

    @Test func `the hold, the model and its tokens are headers where there are any`() async throws {
        let server = try Server { _ in .reply(204) }
        let hold = MicroUSD(microdollars: 50_000)
        let jobs = [
            CommandHandlerTestsBench.job(estimate: hold, allowance: Allowance(model: "a/b:1", maxTokens: 1234)),
            CommandHandlerTestsBench.job(estimate: hold), CommandHandlerTestsBench.job(),
        ]
        for job in jobs { _ = try await run(HTTPConfiguration(url: server.url), job: job) }
        let told = server.requests.map { request in
            ["moose-hold-usd", "moose-max-tokens", "moose-model"].map { request.headers[$0] }
        }
        #expect(told == [["0.05", "1234", "a/b:1"], ["0.05", nil, nil], [nil, nil, nil]])
    }

    @Test(arguments: [
        (#"{"tokens_in":1000,"tokens_out":500}"#, 1000, 500), (#"{"tokens_in":7}"#, 7, nil),
        (#"{"tokens_in":-1,"tokens_out":0}"#, nil, 0), (#"{"tokens_in":"many","tokens_out":1.5}"#, nil, nil),
        (#"{"tokens_in":99999999999999999999,"tokens_out":3,"cost_usd":"0.01"}"#, nil, 3), ("[1]", nil, nil),
    ])
    func `tokens in an answer are counted where they are whole numbers`(
        body: String, tokensIn: Int?, tokensOut: Int?
    ) async throws {
        let outcome = try await run(answer: .reply(200, body: Self.json(body)))
        #expect(outcome.isCompleted)
        #expect(outcome.resultText == body)
        #expect(outcome.report.tokensIn == tokensIn)
        #expect(outcome.report.tokensOut == tokensOut)
        #expect(outcome.report.cost == (body.contains("cost_usd") ? MicroUSD(microdollars: 10_000) : nil))
    }

    @Test func `another attempt of an order carries the same key`() async throws {
        let server = try Server { _ in .reply(204) }
        let first = CommandHandlerTestsBench.job()
        let second = Job(
            id: first.id, kind: "k", title: "t", lane: "default", attempt: 2, maxAttempts: 5, token: 2,
            body: first.body,
            estimate: .zero, timeout: .seconds(60), traceparent: nil)
        for job in [first, second] { _ = try await run(HTTPConfiguration(url: server.url), job: job) }
        #expect(server.requests.count == 2)
        #expect(Set(server.requests.map { $0.headers["idempotency-key"] }).count == 1)
        #expect(server.requests.allSatisfy { $0.headers["traceparent"] == nil })
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"{"a":1}"#), ("3", "3"), (#""text""#, #""text""#), ("not json", #""not json""#),
        ("line\nü\u{0}", #""line\nü\u0000""#), ("", nil),
    ])
    func `an answer that is no JSON becomes a JSON text`(body: String, result: String?) async throws {
        let outcome = try await run(answer: .reply(200, body: Self.json(body)))
        #expect(outcome.isCompleted)
        #expect(outcome.resultText == result)
    }

    @Test func `bytes that are no text are kept as they came`() async throws {
        let outcome = try await run(
            answer: .reply(200, headers: ["Content-Type": "image/x"], body: [0x61, 0xFF, 0x62]))
        #expect(outcome.resultText == #""data:image/x;base64,Yf9i""#)
        #expect(outcome.report.unread == nil)
        #expect(try await run(answer: .reply(200, body: [0xFF])).resultText?.hasPrefix("\"data:application/") == true)
    }

    @Test(
        arguments: [
            (200, nil, true), (201, nil, true), (299, nil, true),
            (400, FailureClass.invalidInput, false), (403, .infrastructure, true),
            (404, .invalidInput, false), (409, .invalidInput, false), (422, .invalidInput, false),
            (408, .timeout, true), (425, .infrastructure, true), (429, .infrastructure, true),
            (500, .infrastructure, true), (501, .infrastructure, false), (502, .infrastructure, true),
            (503, .infrastructure, true), (504, .timeout, true), (505, .infrastructure, false),
            (529, .infrastructure, true),
            (302, .infrastructure, false), (304, .infrastructure, false), (999, .infrastructure, false),
        ] as [(Int, FailureClass?, Bool)])
    func `a status says what failed and whether to try again`(
        status: Int, failureClass: FailureClass?, isRetried: Bool
    ) async throws {
        let outcome = try await run(
            answer: .reply(
                status, headers: ["Location": "http://127.0.0.1:1/"], body: status == 304 ? [] : Self.json("why")))
        #expect(outcome.failure?.failureClass == failureClass)
        #expect(outcome.isCompleted == (failureClass == nil))
        if failureClass != nil {
            #expect(outcome.failure?.retry == (isRetried ? .backoff : .never))
            #expect(outcome.failure?.facts == [.httpStatus: "\(status)"])
        }
        #expect(outcome.report.didStart)
    }

    /// Whoever is asked, no order is at fault for the credentials it is sent with: none fails, and none is paid for.
    @Test(arguments: [401, 407]) func `refused credentials keep the orders waiting`(status: Int) async throws {
        let outcome = try await run(answer: .reply(status, body: Self.json("token expired")))
        guard case .notBegun(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure.failureClass == .infrastructure)
        #expect(
            failure.message
                == "the service answered \(status): token expired; correct the credentials in headers of moose.yaml")
        #expect(failure.facts == [.httpStatus: "\(status)"])
    }

    @Test func `a refusal that was paid for is counted, and not asked for again`() async throws {
        let outcome = try await run(answer: .reply(401, body: Array(#"{"cost_usd":"0.40"}"#.utf8)))
        #expect(outcome.failure?.retry == .never)
        #expect(outcome.report.cost == MicroUSD(microdollars: 400_000) && outcome.report.didStart)
    }

    @Test func `an error's words reach the person, one line of them`() async throws {
        let outcome = try await run(answer: .reply(422, body: Self.json("title\n is \u{0} too long")))
        #expect(outcome.failure?.message == "the service answered 422: title is \u{FFFD} too long")
        #expect(outcome.report.output == "title\n is \u{FFFD} too long")
    }

    @Test(arguments: [429, 503, 500, 408])
    func `a service that says how long to wait is listened to`(status: Int) async throws {
        let outcome = try await run(answer: .reply(status, headers: ["Retry-After": "17"]))
        #expect(outcome.failure?.retry == .after(.seconds(17)))
    }

    @Test func `a date to wait for is counted from now`() async throws {
        let outcome = try await run(
            answer: .reply(429, headers: ["Retry-After": "Fri, 31 Dec 2066 23:59:59 GMT"]))
        #expect(outcome.failure?.retry == .after(.seconds(86_400)))
    }

    @Test(arguments: [
        ("0", 1.0), ("120", 120), (" 7 ", 7), ("99999999999999999999999999", 86_400),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sun, 06 Nov 1994 08:48:00 GMT", 1),
        ("Mon, 07 Nov 1994 08:49:00 GMT", 86_400),
    ])
    func `both forms of Retry-After are read and kept within a second and a day`(header: String, seconds: Double) {
        // 06 Nov 1994 08:49:00 GMT
        let now = Date(timeIntervalSince1970: 784_111_740)
        #expect(RetryAfter.wait(header, now: now) == .seconds(seconds))
    }

    @Test(arguments: [
        "", " ", "-1", "1.5", "soon", "1 2", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nof 1994 08:49:37 GMT", "Sun, 06 Nov 1994 28:49:37 GMT", "٣",
    ])
    func `a Retry-After that can't be read leaves the wait to the policy`(header: String) {
        #expect(RetryAfter.wait(header, now: Date()) == nil)
    }

    @Test(
        arguments: [
            ("0.0123", "{}", 12_300), (" 2 ", "{}", 2_000_000), (nil, #"{"cost_usd":"0.5"}"#, 500_000),
            (nil, #"{"cost_usd":0.1}"#, 100_000), ("1", #"{"cost_usd":"0.5"}"#, 1_000_000), (nil, "{}", nil),
            (nil, "[1]", nil), ("1.5e-05", "{}", 15), (".00001", "{}", 10), ("+0.00001", "{}", 10),
            (nil, #"{"cost_usd":"1e-05"}"#, 10), (nil, "\u{FEFF}{\"cost_usd\":1e-5}", 10),
        ] as [(String?, String, Int64?)])
    func `the cost comes from the header, or else from the body`(
        header: String?, body: String, micro: Int64?
    ) async throws {
        let headers = header.map { ["X-Cost-Usd": $0] } ?? [:]
        let outcome = try await run(
            answer: .reply(200, headers: headers, body: Self.json(body)), costHeader: "x-cost-usd")
        #expect(outcome.isCompleted)
        #expect(outcome.report.cost == micro.map(MicroUSD.init(microdollars:)))
    }

    @Test(
        arguments: [
            ("-1", "{}"), ("much", "{}"), ("1e30", "{}"), (nil, #"{"cost_usd":-1}"#), (nil, #"{"cost_usd":1e30}"#),
            (nil, #"{"cost_usd":{}}"#), ("0.01, 5", "{}"), ("0.01\r\nX-Cost-Usd: 5", "{}"), ("", "{}"),
            (nil, #"{"cost_usd":"1","cost_usd":"1"}"#),
        ] as [(String?, String)])
    func `work that was done stays done though its cost can't be read, and a person is told`(
        header: String?, body: String
    ) async throws {
        let headers = header.map { ["X-Cost-Usd": $0] } ?? [:]
        let outcome = try await run(
            answer: .reply(200, headers: headers, body: Self.json(body)), costHeader: "X-Cost-Usd")
        #expect(outcome.isCompleted)
        #expect(outcome.resultText == body)
        #expect(outcome.report.cost == nil)
        #expect(outcome.report.unread?.words.contains("cost") == true)
    }

    @Test func `a failed attempt is still charged what the service says`() async throws {
        let outcome = try await run(
            answer: .reply(500, headers: ["X-Cost-Usd": "0.25"]), costHeader: "X-Cost-Usd")
        #expect(outcome.report.cost == MicroUSD(microdollars: 250_000))
    }

    @Test func `an answer may fill its limit and no more, even one that never ends`() async throws {
        let full = [UInt8(ascii: "\"")] + [UInt8](repeating: 0x78, count: 1_048_574) + [UInt8(ascii: "\"")]
        #expect(try await run(answer: .reply(200, body: full)).report.result?.count == 1_048_576)
        #expect(
            try await run(answer: .reply(200, body: full + [0x20])).failure?.failureClass == .malformedOutput)
        #expect(try await run(answer: .endless).failure?.failureClass == .malformedOutput)
        // Whoever paid for it doesn't pay again for the same.
        let paid = CommandHandlerTestsBench.job(estimate: MicroUSD(microdollars: 1))
        #expect(try await run(answer: .reply(200, body: full + [0x20]), job: paid).failure?.retry == .never)
    }

    @Test func `of a large error only the beginning is read`() async throws {
        let outcome = try await run(answer: .reply(400, body: [UInt8](repeating: 0x78, count: 5_000_000)))
        #expect(outcome.failure?.failureClass == .invalidInput)
        #expect((outcome.report.output?.utf8.count ?? 0) <= 4096)
    }

    @Test func `a refused connection never reached the service: the attempt has not begun`() async throws {
        for host in ["127.0.0.1", "localhost"] {
            let port = try Server.closedPort()
            let outcome = try await run(HTTPConfiguration(url: "http://\(host):\(port)/secret?token=abc"))
            #expect(outcome.isNotBegun)
            #expect(outcome.failure?.failureClass == .infrastructure)
            #expect(!outcome.report.didStart)
            #expect(outcome.failure?.message.contains("token") == false)
        }
    }

    @Test func `a host without an address never got the request`() async throws {
        let outcome = try await run(HTTPConfiguration(url: "http://no-such-host.invalid/"))
        #expect(outcome.isNotBegun)
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(!outcome.report.didStart)
    }

    @Test(arguments: [Server.Answer.silence, .stalled])
    func `a service that is too slow times out`(answer: Server.Answer) async throws {
        let outcome = try await run(answer: answer, job: CommandHandlerTestsBench.job(timeout: .milliseconds(300)))
        #expect(outcome.failure?.failureClass == .timeout)
        #expect(outcome.failure?.retry == .backoff)
        #expect(outcome.report.didStart)
    }

    @Test(arguments: [
        Server.Answer.hangUp, .raw("SSH-2.0-OpenSSH_9.2\r\n"), .raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"),
    ])
    func `a connection that breaks may have been served and is tried again`(
        answer: Server.Answer
    ) async throws {
        let outcome = try await run(answer: answer)
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(outcome.failure?.retry == .backoff)
        #expect(outcome.report.didStart)
    }

    @Test(arguments: ["", "nonsense", "ftp://127.0.0.1/", "http://", "https:///path", "/path"])
    func `an address that is none fails for good`(url: String) async throws {
        let outcome = try await run(HTTPConfiguration(url: url))
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(outcome.failure?.retry == .never)
        #expect(!outcome.report.didStart)
    }

    @Test func `a header that smuggles a line is refused, and its value is not printed`() async throws {
        let server = try Server { _ in .reply(200) }
        let outcome = try await run(
            HTTPConfiguration(url: server.url, headers: ["X-Key": "hush\r\nX-Admin: true"]))
        #expect(outcome.failure?.retry == .never)
        #expect(!outcome.report.didStart)
        #expect(outcome.failure?.message.contains("hush") == false)
        #expect(server.requests.isEmpty)
    }

    @Test func `cancelling the task gives the request up and is no failure`() async throws {
        let server = try Server { _ in .silence }
        let client = HandlerClient(connectionsPerHost: 1)
        let handler = HTTPHandler(HTTPConfiguration(url: server.url), client: client)
        let attempt = Task { await handler.run(CommandHandlerTestsBench.job()) }
        await server.waitsForRequest()
        attempt.cancel()
        let outcome = await attempt.value
        #expect(outcome.isInterrupted)
        #expect(outcome.report.didStart)
        try await client.shutdown()
    }

    @Test func `printing a configuration shows neither headers nor passwords`() {
        let configuration = HTTPConfiguration(
            url: "https://user:hush@example.com/a?token=hush#hush", headers: ["Authorization": "Bearer hush"])
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped, configuration.redactedURL] {
            #expect(!text.contains("hush"))
        }
        #expect(configuration.redactedURL == "https://example.com/a")
    }

    @Test func `fifty requests run beside each other on one client`() async throws {
        let server = try Server { request in .reply(200, body: request.body) }
        let client = HandlerClient(connectionsPerHost: 50)
        let handler = HTTPHandler(HTTPConfiguration(url: server.url), client: client)
        await withTaskGroup(of: (Job, Outcome).self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let job = CommandHandlerTestsBench.job()
                    return (job, await handler.run(job))
                }
            }
            for await (job, outcome) in group {
                #expect(outcome.resultText?.contains(job.id.uuidString.lowercased()) == true)
            }
        }
        try await client.shutdown()
    }
}
