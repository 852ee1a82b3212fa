package import HTTPTypes
package import Hummingbird
internal import NIOCore
internal import Probes
package import Sentinel

/// `POST /api/sentinel`: GitHub's webhooks.
package struct SentinelRoute: Sendable {
    private static let path = "/api/sentinel"
    private let receiver: SentinelReceiver
    private let unchecked: UncheckedBytes

    /// - Parameter unchecked: what all webhooks together may hold before their signatures were checked. Default 32 MiB.
    package init(_ receiver: SentinelReceiver, unchecked: Int = 32 * 1024 * 1024) {
        self.receiver = receiver
        self.unchecked = UncheckedBytes(limit: unchecked)
    }

    /// Whether a client that asks first may send its body.
    package func admits(_ request: HTTPRequest) -> Bool {
        request.method == .post && request.path?.prefix { $0 != "?" } == Self.path[...]
            && refusal(request.headerFields) == nil
    }

    private func refusal(_ headers: HTTPFields) -> SentinelAnswer? {
        receiver.refusal(
            signature: headers.value("X-Hub-Signature-256"), length: headers[.contentLength].flatMap(Int.init))
    }

    /// - Returns: nil for other paths.
    package func respond(to request: Request) async -> Response? {
        guard request.uri.path == Self.path else { return nil }
        guard request.method == .post else {
            return problem(405, "method not allowed", "only POST is answered here", [.allow: "POST"])
        }
        if let refusal = refusal(request.headers) { return early(refusal) }
        // Held until the signature was checked, and what is taken from the body with it.
        let held = UncheckedBytes.Held(unchecked)
        defer { held.release() }
        var body: [UInt8] = []
        do {
            for try await part in request.body {
                guard body.count + part.readableBytes <= SentinelReceiver.bodyLimit else { return early(.tooLarge) }
                guard held.add(part.readableBytes) else { return early(.busy) }
                body.append(contentsOf: part.readableBytesView)
            }
        } catch {
            // The sender went away in the middle of its request, or was too slow: nobody reads this answer.
            return problem(400, "incomplete request", "the body ended early", [.connection: "close"])
        }
        return response(
            await receiver.receive(
                SentinelRequest(
                    signature: request.headers.value("X-Hub-Signature-256"),
                    event: request.headers.value("X-GitHub-Event"),
                    delivery: request.headers.value("X-GitHub-Delivery"), contentType: request.headers[.contentType],
                    body: body)))
    }

    /// An answer before the body was read: nothing more is read from that connection.
    private func early(_ answer: SentinelAnswer) -> Response {
        receiver.count(answer)
        var response = response(answer)
        response.headers[.connection] = "close"
        return response
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
        case .tooLarge:
            problem(413, "body too large", "a webhook has up to \(SentinelReceiver.bodyLimit) bytes")
        case .busy:
            problem(
                503, "too much at once", "too many webhooks come in at once; deliver it again in a minute",
                [.retryAfter: "60"])
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

extension HTTPFields {
    /// A header by its name; nil when it isn't there.
    fileprivate func value(_ name: String) -> String? { HTTPField.Name(name).flatMap { self[$0] } }
}
