package import HTTPTypes
import Hummingbird
import NIOCore

/// A request on its way to the route that answers it.
package struct RouteRequest: Sendable {
    /// Method, path with query, and header fields.
    package let head: HTTPRequest
    /// What stands in the path in the place of each part in braces, by its name; percent-decoded, never empty.
    package let parameters: [String: String]
    private let body: RequestBody
    private let bodyLimit: Int

    init(_ request: Request, parameters: [String: String], bodyLimit: Int) {
        head = request.head
        body = request.body
        self.parameters = parameters
        self.bodyLimit = bodyLimit
    }

    /// Reads the body, once.
    ///
    /// - Parameter take: given each part as it comes; false ends the reading.
    /// - Throws: ``BodyFailure/tooLarge`` before anything is read where the head says so already. Not caught, either
    ///   failure becomes an answer that closes the connection.
    package func readBody(_ take: ([UInt8]) -> Bool) async throws(BodyFailure) {
        guard Self.declaredLength(head) ?? 0 <= bodyLimit else { throw .tooLarge }
        var count = 0
        do {
            for try await part in body {
                count += part.readableBytes
                guard count <= bodyLimit else { throw BodyFailure.tooLarge }
                guard take(Array(part.readableBytesView)) else { return }
            }
        } catch let failure as BodyFailure {
            throw failure
        } catch {
            // The sender went away in the middle, was too slow, or sent what is no HTTP.
            throw .incomplete
        }
    }

    /// How many bytes the head says that the body has; nil where it doesn't say.
    static func declaredLength(_ head: HTTPRequest) -> Int? { head.headerFields[.contentLength].flatMap { Int($0) } }
}

/// Why a body can't be had.
package enum BodyFailure: Error, Sendable, Equatable {
    /// It is longer than its route takes.
    case tooLarge
    /// It ended early.
    case incomplete
}
