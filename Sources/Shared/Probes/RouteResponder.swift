import HTTPTypes
import Hummingbird
import Logging

/// Gives each request to its route, and answers what no route takes.
struct RouteResponder: Sendable {
    let routes: RouteTable
    let logger: Logger

    func respond(to request: Request) async -> Response {
        var answer = await answer(request)
        if request.headers[.connection]?.lowercased() == "close" { answer.headers[.connection] = "close" }
        let response = answer.response
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// Whether a client that asks first may send its body.
    func admits(_ head: HTTPRequest) -> Bool {
        guard head.authority != nil, case .route(let route, _) = routes.match(head) else { return false }
        return route.takesBody(head)
    }

    private func answer(_ request: Request) async -> RouteAnswer {
        guard request.head.authority != nil else {
            return .problem(
                status: 400, title: "no host", detail: "a request of HTTP/1.1 has one Host header",
                headers: [.connection: "close"])
        }
        switch routes.match(request.head) {
        case .route(let route, let parameters):
            return await answer(
                RouteRequest(request, parameters: parameters, bodyLimit: route.bodyLimit), from: route)
        case .otherMethods(let methods):
            let allowed = methods.map(\.rawValue).joined(separator: ", ")
            return .problem(
                status: 405, title: "method not allowed", detail: "this path answers \(allowed) only",
                headers: [.allow: allowed])
        case .noPath:
            return .problem(
                status: 404, title: "no such path",
                detail: "nothing is at this path; there are \(routes.paths.joined(separator: ", "))")
        }
    }

    private func answer(_ request: RouteRequest, from route: Route) async -> RouteAnswer {
        do {
            return try await route.answer(request)
        } catch BodyFailure.tooLarge {
            // Its sender's mistake, who is told.
            return .problem(
                status: 413, title: "body too large", detail: "a body here has up to \(route.bodyLimit) bytes",
                headers: [.connection: "close"])
        } catch BodyFailure.incomplete {
            // Mostly nobody reads this answer.
            return .problem(
                status: 400, title: "incomplete request", detail: "the body ended early",
                headers: [.connection: "close"])
        } catch {
            logger.error("a request failed", metadata: ["route": "\(route)", "error": "\(error)"])
            return .problem(
                status: 500, title: "failed", detail: "the request failed here; the log of the process says why")
        }
    }
}
