/// What a role answers on a path of its own.
package struct ProbeAnswer: Sendable, Equatable {
    /// The HTTP status, such as 200.
    package let status: Int
    /// The media type, such as `application/json`.
    package let type: String
    package let body: [UInt8]

    package init(status: Int, type: String, body: [UInt8]) {
        self.status = status
        self.type = type
        self.body = body
    }

    /// An RFC 9457 problem.
    ///
    /// - Parameters:
    ///   - title: what kind of problem it is, such as `unknown lane`.
    ///   - detail: what is wrong with this request, and what to do.
    package static func problem(status: Int, title: String, detail: String) -> ProbeAnswer {
        let problem = ProblemDetails(title: title, status: status, detail: detail)
        return ProbeAnswer(status: status, type: "application/problem+json", body: problem.json)
    }
}
