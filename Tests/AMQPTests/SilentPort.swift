import Glibc
import IOThread
import Synchronization

/// A port that takes connections and answers all of them with the same bytes, or with nothing; it keeps what it was sent.
final class SilentPort: Sendable {
    let port: Int
    private let listener: Int32
    private let heard = Mutex<[UInt8]>([])

    /// - Parameter answer: sent after the first bytes came.
    init(answering answer: [UInt8] = []) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, length)
                unsafe getsockname(listener, pointer, &length)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        listen(listener, 16)
        // Threads of their own: who waits on a socket must not hold up Swift's few.
        try IOThread(name: "silent-port") { [self] in
            while case let client = accept(listener, nil, nil), client >= 0 {
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                do {
                    try IOThread(name: "silent-client") { self.serve(client, answer) }.detach()
                } catch {
                    // No thread left: the client sees a closed connection, and its test fails by that.
                    Glibc.close(client)
                }
            }
        }.detach()
    }

    private func serve(_ client: Int32, _ answer: [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(client, &bytes, bytes.count)
        heard.withLock { $0 += bytes.prefix(max(0, count)) }
        if answer.isEmpty {
            // Silent until the other side gives up.
            while unsafe read(client, &bytes, bytes.count) > 0 {}
        } else {
            _ = unsafe send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
        }
        Glibc.close(client)
    }

    /// What came so far, as text with other bytes left out.
    var text: String { heard.withLock { String(decoding: $0.filter { (0x20..<0x7F).contains($0) }, as: UTF8.self) } }

    func close() { shutdown(listener, Int32(SHUT_RDWR)) }
}
