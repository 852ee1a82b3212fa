package import HTTPTypes

/// What a role answers to one method on one path.
package struct Route: Sendable, CustomStringConvertible {
    /// From where a route may be reached.
    package enum Reach: Sendable {
        /// From this machine only: a server with such a route listens on nothing wider.
        case thisMachine
        /// From wherever the server's address is reached.
        case anywhere
    }

    let method: HTTPRequest.Method
    let pattern: RoutePattern
    let reach: Reach
    /// In bytes; 0 where no body is read.
    let bodyLimit: Int
    let admits: @Sendable (HTTPRequest) -> Bool
    let answer: @Sendable (RouteRequest) async throws -> RouteAnswer

    /// Something that is looked at, by GET or HEAD; a body that comes with it is not read.
    ///
    /// - Parameters:
    ///   - path: such as `/api/scaling/{lane}`; a part in braces stands for any one, see ``RouteRequest/parameters``.
    ///   - reach: default ``Reach/thisMachine``.
    ///   - answer: what it throws is logged and answered 500, but for a ``BodyFailure``.
    package static func get(
        _ path: String, reach: Reach = .thisMachine,
        answer: @escaping @Sendable (RouteRequest) async throws -> RouteAnswer
    ) -> Route {
        Route(
            method: .get, pattern: RoutePattern(path), reach: reach, bodyLimit: 0, admits: { _ in false },
            answer: answer)
    }

    /// Something that changes what is there: only ever for this machine.
    ///
    /// - Parameters:
    ///   - path: as of ``get(_:reach:answer:)``.
    ///   - bodyLimit: the longest body it takes, in bytes.
    ///   - admits: whether a client that asks first (`Expect: 100-continue`) may send a body within the limit, judged
    ///     by the head alone and at once. Default: each may.
    ///   - answer: as of ``get(_:reach:answer:)``.
    package static func post(
        _ path: String, bodyLimit: Int, admits: @escaping @Sendable (HTTPRequest) -> Bool = { _ in true },
        answer: @escaping @Sendable (RouteRequest) async throws -> RouteAnswer
    ) -> Route {
        Route(
            method: .post, pattern: RoutePattern(path), reach: .thisMachine, bodyLimit: bodyLimit, admits: admits,
            answer: answer)
    }

    /// Such as `GET /api/scaling/{lane}`.
    package var description: String { "\(method.rawValue) \(pattern)" }

    /// Whether a client that asks first may send its body.
    func takesBody(_ head: HTTPRequest) -> Bool {
        bodyLimit > 0 && RouteRequest.declaredLength(head) ?? 0 <= bodyLimit && admits(head)
    }
}
