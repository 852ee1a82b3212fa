import AsyncHTTPClient
import FoundationEssentials
import Logging
import MissionControl
import NIOCore
import NIOHTTP1
import Probes
import Reporting
import Telemetry
import TestSupport
import Testing

@testable import Sentinel

/// Webhooks that nobody has checked yet hold no more memory than they may, all together.
struct WebhookFloodTests {
    /// Says its length and sends so much of it, then waits until it is let go.
    private struct Slow: AsyncSequence, Sendable {
        typealias Element = ByteBuffer
        let bytes: Int
        let sent: AsyncStream<Void>.Continuation
        let go: AsyncStream<Void>

        func makeAsyncIterator() -> Iterator { Iterator(slow: self) }

        struct Iterator: AsyncIteratorProtocol {
            let slow: Slow
            var step = 0

            mutating func next() async -> ByteBuffer? {
                step += 1
                switch step {
                case 1: return ByteBuffer(repeating: UInt8(ascii: " "), count: slow.bytes)
                case 2:
                    slow.sent.yield()
                    for await _ in slow.go { break }
                    return ByteBuffer(string: "{}")
                default: return nil
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `what doesn't fit beside unchecked webhooks is told to come again`()
        async throws
    {
        try await SentinelDesk.open { desk in
            var limits = ConnectionLimits()
            // However busy the machine is: here nothing is closed for being slow.
            (limits.body, limits.answer) = (.minutes(10), .minutes(10))
            try await desk.servingRoute(unchecked: 1_000_000, limits: limits) { url, route in
                let (sent, isSent) = AsyncStream<Void>.makeStream()
                let (go, letGo) = AsyncStream<Void>.makeStream()
                let body = Slow(bytes: 900_000, sent: isSent, go: go)
                let slow = Task {
                    var request = HTTPClientRequest(url: url)
                    request.method = .POST
                    request.headers.add(
                        name: "X-Hub-Signature-256", value: "sha256=" + String(repeating: "0", count: 64))
                    request.body = .stream(body, length: .known(Int64(900_002)))
                    return try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status.code
                }
                for await _ in sent { break }
                // Nothing beside them before they are there: a large one would take the room of the slow one.
                try await eventually("the slow one's bytes have arrived") { route.uncheckedBytes == 900_000 }
                let large = String(repeating: " ", count: 500_000) + Webhook.body(pullRequests: [12])
                let (code, words) = try await desk.post(url, large)
                #expect(code == 503 && words.contains("too much at once"))
                // A small one still fits.
                #expect(try await desk.post(url, Webhook.body(run: 2, pullRequests: [12])).0 == 202)
                letGo.finish()
                #expect(try await slow.value == 401)
                #expect(try await desk.post(url, large).0 == 202)
            }
        }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            (1, HTTPClientRequest.Body.Length.known(Int64(6_000_000))), (SentinelReceiver.bodyLimit + 1, .unknown),
        ])
    func `a webhook that is too large is refused at once, by what it says or by what it sends`(
        bytes: Int, length: HTTPClientRequest.Body.Length
    ) async throws {
        try await SentinelDesk.open { desk in
            try await desk.serving { url in
                let (sent, isSent) = AsyncStream<Void>.makeStream()
                let (go, letGo) = AsyncStream<Void>.makeStream()
                var request = HTTPClientRequest(url: url)
                request.method = .POST
                request.headers.add(name: "X-Hub-Signature-256", value: "sha256=" + String(repeating: "0", count: 64))
                request.body = .stream(Slow(bytes: bytes, sent: isSent, go: go), length: length)
                let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
                #expect(answer.status.code == 413)
                #expect(answer.headers.first(name: "Connection") == "close")
                letGo.finish()
                isSent.finish()
                for await _ in sent {}
            }
        }
    }
}
