internal import HTTPTypes
package import Hummingbird
internal import NIOCore
internal import Probes
package import Sentinel

/// `POST /api/sentinel`: GitHub's webhooks.
package struct SentinelRoute: Sendable {
    /// More than this is not read. GitHub sends some 20 to 200 KB for a run.
    static let bodyLimit = 5 * 1024 * 1024
    private static let path = "/api/sentinel"
    private let receiver: SentinelReceiver

    package init(_ receiver: SentinelReceiver) { self.receiver = receiver }

    /// - Returns: nil for other paths.
    package func respond(to request: Request) async -> Response? {
        guard request.uri.path == Self.path else { return nil }
        guard request.method == .post else {
            return problem(405, "method not allowed", "only POST is answered here", [.allow: "POST"])
        }
        let signature = request.header("X-Hub-Signature-256")
        if let refusal = receiver.refusal(signature: signature) { return response(refusal) }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.bodyLimit)
        } catch is NIOTooManyBytesError {
            // Told to its sender.
            return problem(
                413, "body too large", "a webhook has up to \(Self.bodyLimit) bytes", [.connection: "close"])
        } catch {
            // The sender went away in the middle of its request: nobody reads this answer.
            return problem(400, "incomplete request", "the body ended early", [.connection: "close"])
        }
        return response(
            await receiver.receive(
                SentinelRequest(
                    signature: signature, event: request.header("X-GitHub-Event"),
                    delivery: request.header("X-GitHub-Delivery"), contentType: request.headers[.contentType],
                    body: Array(body.readableBytesView))))
    }

    private func response(_ answer: SentinelAnswer) -> Response {
        switch answer {
        case .accepted: json(202, #"{"status":"accepted"}"#)
        case .ignored(let why): json(202, #"{"status":"ignored","why":"\#(why)"}"#)
        case .seenBefore: json(200, #"{"status":"seen before"}"#)
        case .malformed(let why): problem(400, "unusable webhook", why)
        case .unsigned:
            problem(
                401, "not signed", "X-Hub-Signature-256 is missing or was not made with this webhook's secret",
                [.wwwAuthenticate: "Signature"])
        case .notConfigured:
            problem(
                503, "no secret", "set MOOSE_SENTINEL_SECRET, or sentinel.secret in moose.yaml, to the webhook's secret"
            )
        case .unavailable:
            problem(
                503, "database away", "nothing was kept; deliver it again in a minute", [.retryAfter: "60"])
        }
    }

    private func json(_ status: Int, _ text: String) -> Response {
        response(ProbeAnswer(status: status, type: "application/json", body: Array((text + "\n").utf8)), [:])
    }

    private func problem(_ status: Int, _ title: String, _ detail: String, _ headers: HTTPFields = [:]) -> Response {
        response(.problem(status: status, title: title, detail: detail), headers)
    }

    private func response(_ answer: ProbeAnswer, _ headers: HTTPFields) -> Response {
        var headers = headers
        headers[.contentType] = answer.type
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}

extension Request {
    /// A header by its name; nil when it isn't there.
    fileprivate func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
}
