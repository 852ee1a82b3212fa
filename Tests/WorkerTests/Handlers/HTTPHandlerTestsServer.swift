import Glibc
import IOThread
import Synchronization
import Testing

/// A small HTTP server over real sockets on 127.0.0.1: it reads one request a connection and answers what the test says.
final class HTTPHandlerTestsServer: Sendable {
    struct Request: Sendable {
        var line = ""
        var headers: [String: String] = [:]
        var body: [UInt8] = []
    }

    enum Answer: Sendable {
        case reply(Int, headers: [String: String] = [:], body: [UInt8] = [])
        /// A 200 whose body doesn't end until the other side has gone.
        case endless
        /// A 200 with some of the body it promises, and then nothing.
        case stalled
        /// No answer until the other side has gone.
        case silence
        /// The connection is closed without an answer.
        case hangUp
        /// These bytes, which may be no HTTP at all.
        case raw(String)
    }

    let port: UInt16
    private let listener: Int32
    private let seen: Seen
    private let arrivals: AsyncStream<Void>

    private final class Seen: Sendable { let requests = Mutex<[Request]>([]) }

    init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        let (listener, port) = try Self.listen()
        self.listener = listener
        self.port = port
        let seen = Seen()
        let (arrivals, continuation) = AsyncStream<Void>.makeStream()
        self.arrivals = arrivals
        self.seen = seen
        try IOThread(name: "test-http") {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                // Programs that other tests start meanwhile must not hold it open.
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                let serving = try? IOThread(name: "test-http-conn") {
                    defer { close(connection) }
                    guard let request = Self.read(connection) else { return }
                    seen.requests.withLock { $0.append(request) }
                    continuation.yield()
                    Self.send(answer(request), connection)
                }
                serving?.detach()
            }
        }.detach()
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    var url: String { "http://127.0.0.1:\(port)/hook" }
    var requests: [Request] { seen.requests.withLock { $0 } }

    func waitsForRequest() async {
        for await _ in arrivals { return }
    }

    /// A port of this machine that nobody listens on.
    static func closedPort() throws -> UInt16 {
        let (listener, port) = try listen()
        close(listener)
        return port
    }

    private static func listen() throws -> (Int32, UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(listener >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(listener, address, length) == 0 && Glibc.listen(listener, 128) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        try #require(isBound)
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var request: Request?
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(connection, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            if request == nil, let end = headEnd(bytes) {
                let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
                var head = Request(line: String(lines[0]))
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    head.headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
                }
                request = head
                bytes.removeFirst(end + 4)
            }
            if var request, bytes.count >= Int(request.headers["content-length"] ?? "0") ?? 0 {
                request.body = bytes
                return request
            }
        }
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...(bytes.count - 4)).first { bytes[$0..<$0 + 4].elementsEqual("\r\n\r\n".utf8) }
    }

    private static func send(_ answer: Answer, _ connection: Int32) {
        switch answer {
        case .reply(let status, let headers, let body):
            var head = "HTTP/1.1 \(status) Said\r\nContent-Length: \(body.count)\r\nConnection: close\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            write(Array((head + "\r\n").utf8) + body, connection)
        case .endless:
            write(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8), connection)
            let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x20, count: 65_536) + Array("\r\n".utf8)
            while write(chunk, connection) {}
        case .stalled:
            write(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".utf8), connection)
            waitForEnd(connection)
        case .silence:
            waitForEnd(connection)
        case .hangUp:
            break
        case .raw(let text):
            write(Array(text.utf8), connection)
        }
    }

    private static func waitForEnd(_ connection: Int32) {
        var byte: UInt8 = 0
        while unsafe recv(connection, &byte, 1, 0) > 0 {}
    }

    @discardableResult
    private static func write(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
