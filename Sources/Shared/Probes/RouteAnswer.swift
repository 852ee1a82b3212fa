package import HTTPTypes
import Hummingbird
import NIOCore

/// What a route answers.
package struct RouteAnswer: Sendable, Equatable {
    /// The HTTP status, such as 200.
    package var status: Int
    /// The media type, such as `application/json`.
    package var type: String
    package var body: [UInt8]
    /// Besides those that every answer has. With `Connection: close` nothing more is read from the connection.
    package var headers: HTTPFields

    /// - Parameter headers: default none.
    package init(status: Int, type: String, body: [UInt8], headers: HTTPFields = [:]) {
        self.status = status
        self.type = type
        self.body = body
        self.headers = headers
    }

    /// An RFC 9457 problem.
    ///
    /// - Parameters:
    ///   - title: what kind of problem it is, such as `unknown lane`.
    ///   - detail: what is wrong with this request, and what to do.
    ///   - headers: default none.
    package static func problem(
        status: Int, title: String, detail: String, headers: HTTPFields = [:]
    ) -> RouteAnswer {
        let problem = ProblemDetails(title: title, status: status, detail: detail)
        return RouteAnswer(status: status, type: "application/problem+json", body: problem.json, headers: headers)
    }

    /// As the server sends it.
    var response: Response {
        var headers = headers
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        return Response(
            status: HTTPResponse.Status(code: status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
