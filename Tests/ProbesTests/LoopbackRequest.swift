/// Sends one request to 127.0.0.1 and reads the whole answer, as the simplest of clients would.
func get(_ path: String, port: Int, method: String = "GET") async throws -> String {
    let wire = try Wire(port: port)
    try wire.send("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return try await wire.read(until: nil)
}
