internal import HTTPTypes
package import Probes
package import Sentinel

/// `POST /api/sentinel`: GitHub's webhooks.
package struct SentinelRoute: Sendable {
    private let receiver: SentinelReceiver
    private let unchecked: UncheckedBytes

    /// - Parameter unchecked: what all webhooks together may hold before their signatures were checked. Default 32 MiB.
    package init(_ receiver: SentinelReceiver, unchecked: Int = 32 * 1024 * 1024) {
        self.receiver = receiver
        self.unchecked = UncheckedBytes(limit: unchecked)
    }

    /// What webhooks hold now whose signatures were not checked yet.
    package var uncheckedBytes: Int { unchecked.held }

    package var route: Route {
        .post("/api/sentinel", bodyLimit: SentinelReceiver.bodyLimit) { head in
            refusal(head.headerFields) == nil
        } answer: { request in
            try await answer(request)
        }
    }

    private func refusal(_ headers: HTTPFields) -> SentinelAnswer? {
        receiver.refusal(
            signature: headers.value("X-Hub-Signature-256"), length: headers[.contentLength].flatMap { Int($0) })
    }

    private func answer(_ request: RouteRequest) async throws -> RouteAnswer {
        let headers = request.head.headerFields
        if let refusal = refusal(headers) { return early(refusal) }
        // Held until the signature was checked, and what is taken from the body with it.
        let held = UncheckedBytes.Held(unchecked)
        defer { held.release() }
        var body: [UInt8] = []
        var fits = true
        do {
            try await request.readBody { part in
                fits = held.add(part.count)
                if fits { body += part }
                return fits
            }
        } catch BodyFailure.tooLarge {
            // Its sender's mistake, who is told.
            return early(.tooLarge)
        }
        guard fits else { return early(.busy) }
        return answer(
            await receiver.receive(
                SentinelRequest(
                    signature: headers.value("X-Hub-Signature-256"), event: headers.value("X-GitHub-Event"),
                    delivery: headers.value("X-GitHub-Delivery"), contentType: headers[.contentType], body: body)))
    }

    /// An answer before the body was read: nothing more is read from that connection.
    private func early(_ refusal: SentinelAnswer) -> RouteAnswer {
        receiver.count(refusal)
        var answer = answer(refusal)
        answer.headers[.connection] = "close"
        return answer
    }

    private func answer(_ answer: SentinelAnswer) -> RouteAnswer {
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

    private func json(_ status: Int, _ text: String) -> RouteAnswer {
        RouteAnswer(status: status, type: "application/json", body: Array((text + "\n").utf8))
    }

    private func problem(
        _ status: Int, _ title: String, _ detail: String, _ headers: HTTPFields = [:]
    ) -> RouteAnswer {
        .problem(status: status, title: title, detail: detail, headers: headers)
    }
}

extension HTTPFields {
    /// A header by its name; nil when it isn't there.
    fileprivate func value(_ name: String) -> String? { HTTPField.Name(name).flatMap { self[$0] } }
}
