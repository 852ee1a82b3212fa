internal import AsyncHTTPClient
internal import FoundationEssentials
internal import IOThread
internal import NIOCore
internal import NIOHTTP1
package import WorkOrders

/// Posts each work order to a service and takes its answer as the result.
///
/// Every attempt of an order carries the order's id as `Idempotency-Key`, without the attempt: a service that has acted
/// on an order must answer a repetition as it answered the first time, and not act twice.
package struct HTTPHandler: WorkHandler {
    let configuration: HTTPConfiguration
    private let client: HandlerClient

    /// - Parameter client: one for all `http` handlers of a worker, which shuts it down.
    package init(_ configuration: HTTPConfiguration, client: HandlerClient) {
        self.configuration = configuration
        self.client = client
    }

    @concurrent
    package func run(_ job: Job) async -> Outcome {
        guard let document = WorkOrderDocument.bytes(for: job) else {
            return .failed(
                AttemptFailure(.invalidInput, "the work order's body is not a JSON object", retry: .never),
                AttemptReport(didStart: false))
        }
        let sending = Sending()
        let request = request(for: job, sending.body(document))
        // Nothing that is free is paid for twice.
        let isPaid = job.estimate > .zero || job.allowance != nil
        let outcome = await withTaskGroup(of: Outcome?.self) { group in
            group.addTask { await exchange(request, sending, isPaid: isPaid) }
            group.addTask {
                // Cancelled when the answer is there, and then its nil is read by nobody.
                try? await Deadlines.shared.sleep(for: job.timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if Task.isCancelled {
            if let outcome, case .completed = outcome { return outcome }
            let report = outcome?.report ?? AttemptReport(didStart: sending.hasBegun)
            return .interrupted(
                AttemptReport(
                    didStart: report.didStart, cost: report.cost, tokensIn: report.tokensIn,
                    tokensOut: report.tokensOut))
        }
        if let outcome { return outcome }
        let words = "\(configuration.redactedURL) did not answer within the time-out of \(job.timeout)"
        return sending.hasBegun
            ? .failed(AttemptFailure(.timeout, words), AttemptReport(didStart: true))
            : .notBegun(AttemptFailure(.timeout, "no connection: \(words)"))
    }

    private func request(for job: Job, _ body: HTTPClientRequest.Body) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: configuration.url)
        request.method = .POST
        request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
        request.headers.replaceOrAdd(name: "User-Agent", value: "moose")
        // What is sent compressed all the same is decoded where it can be; `br` can't.
        request.headers.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        for (name, value) in configuration.headers { request.headers.replaceOrAdd(name: name, value: value) }
        request.headers.replaceOrAdd(name: "Idempotency-Key", value: job.id.uuidString.lowercased())
        if let budget = JobBudget(job) {
            request.headers.replaceOrAdd(name: "Moose-Hold-USD", value: budget.holdUSD)
            if let model = budget.model { request.headers.replaceOrAdd(name: "Moose-Model", value: model) }
            if let tokens = budget.maxTokens {
                request.headers.replaceOrAdd(name: "Moose-Max-Tokens", value: "\(tokens)")
            }
        }
        if let traceparent = job.traceparent {
            request.headers.replaceOrAdd(name: "traceparent", value: traceparent)
        }
        request.body = body
        return request
    }

    @concurrent
    private func exchange(_ request: HTTPClientRequest, _ sending: Sending, isPaid: Bool) async -> Outcome {
        do {
            do {
                return try await exchange(request, over: client.pooled, sending, isPaid: isPaid)
            } catch let error where Self.isSilentEnd(error, sending) {
                // Nobody needs to hear of it: whatever comes of the second time says what there is to say.
                return try await exchange(request, over: client.fresh, sending, isPaid: isPaid)
            }
        } catch {
            return failure(for: error, sending)
        }
    }

    private func exchange(
        _ request: HTTPClientRequest, over client: HTTPClient, _ sending: Sending, isPaid: Bool
    ) async throws -> Outcome {
        // The job's time-out is kept by the caller; this deadline is far away on purpose.
        let response = try await client.execute(request, timeout: .hours(24 * 7))
        sending.answerBegins()
        let headers = response.headers
        return HTTPVerdict(
            status: Int(response.status.code), body: try await body(of: response),
            encoding: headers[canonicalForm: "Content-Encoding"].map(String.init),
            contentType: headers.first(name: "Content-Type"),
            costHeaders: configuration.costHeader.map { headers[$0] } ?? [],
            retryAfter: headers.first(name: "Retry-After"), now: Date(), isPaid: isPaid
        ).outcome
    }

    /// Reads up to the limit; of an error's body, which only a person reads, the beginning.
    private func body(of response: HTTPClientResponse) async throws -> [UInt8]? {
        let isSuccess = (200...299).contains(response.status.code)
        let limit = isSuccess ? HTTPVerdict.bodyLimit : 4096
        var bytes: [UInt8] = []
        for try await part in response.body {
            bytes.append(contentsOf: part.readableBytesView)
            // Leaving the loop closes the connection: the rest is never read.
            if bytes.count > limit { return isSuccess ? nil : Array(bytes.prefix(limit)) }
        }
        return bytes
    }
}
