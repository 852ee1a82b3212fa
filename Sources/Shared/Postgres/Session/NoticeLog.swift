internal import CLibPQ
internal import Logging

/// Where what the server says unasked goes: NOTICE and WARNING to the debug log, never to stderr. Owned by one thread.
final class NoticeLog {
    private let logger: Logger?
    /// Why the server is about to end the session, when it said so while no statement was in flight.
    private(set) var farewell: String?

    init(logger: Logger?) { self.logger = logger }

    /// Makes the connection report here. The log must live as long as the connection.
    func attach(to connection: OpaquePointer) {
        _ = unsafe PQsetNoticeReceiver(
            connection,
            { log, result in
                guard let log = unsafe log else { return }
                unsafe Unmanaged<NoticeLog>.fromOpaque(log).takeUnretainedValue().receive(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func receive(_ result: OpaquePointer?) {
        func field(_ code: Unicode.Scalar) -> String {
            unsafe PQresultErrorField(result, Int32(code.value)).map { text in unsafe String(cString: text) } ?? ""
        }
        let (severity, message) = (field("V"), field("M"))
        if severity == "FATAL" || severity == "PANIC" { farewell = message }
        logger?.debug("database notice", metadata: ["severity": "\(severity)", "notice": "\(message)"])
    }
}
