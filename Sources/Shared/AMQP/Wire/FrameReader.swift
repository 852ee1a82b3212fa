internal import CRabbitMQ

/// Cuts what a socket brings into frames and reads them, whatever is in their headers: a header's tables may nest deeper
/// than the stack of the library's reader.
@safe final class FrameReader {
    private static let overhead = 8

    private let frameMax: Int
    private let pool: UnsafeMutablePointer<amqp_pool_t>
    /// The beginning of a frame whose end has not come yet.
    private var rest: [UInt8] = []

    init(frameMax: Int) {
        self.frameMax = frameMax
        unsafe pool = .allocate(capacity: 1)
        unsafe init_amqp_pool(pool, 4096)
    }

    deinit {
        unsafe empty_amqp_pool(pool)
        unsafe pool.deallocate()
    }

    /// Takes the next bytes and hands over each frame that is complete with them.
    /// - Throws: ``AMQPError/connectionLost(reason:)`` for what is no AMQP; what `receive` throws.
    func feed(
        _ bytes: UnsafeRawBufferPointer, _ receive: (_ channel: UInt16, InboundFrame) throws(AMQPError) -> Void
    ) throws(AMQPError) {
        if rest.isEmpty {
            let used = try unsafe read(bytes, receive)
            unsafe rest.append(contentsOf: bytes[used...])
        } else {
            unsafe rest.append(contentsOf: bytes)
            let whole = rest
            rest = []
            var failure: AMQPError?
            unsafe whole.withUnsafeBytes { bytes in
                do throws(AMQPError) {
                    let used = try unsafe read(bytes, receive)
                    unsafe rest.append(contentsOf: bytes[used...])
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
    }

    /// - Returns: how many bytes the complete frames had.
    private func read(
        _ bytes: UnsafeRawBufferPointer, _ receive: (UInt16, InboundFrame) throws(AMQPError) -> Void
    ) throws(AMQPError) -> Int {
        var start = 0
        while bytes.count - start >= Self.overhead {
            let size = unsafe Int(bytes.loadUnaligned(fromByteOffset: start + 3, as: UInt32.self).bigEndian)
            guard size <= frameMax - Self.overhead else { throw Self.unreadable("a frame of \(size) bytes") }
            guard bytes.count - start >= size + Self.overhead else { break }
            let payload = unsafe UnsafeRawBufferPointer(rebasing: bytes[start + 7..<start + 7 + size])
            guard unsafe bytes[start + 7 + size] == UInt8(AMQP_FRAME_END) else {
                throw Self.unreadable("a frame without its end")
            }
            let channel = unsafe bytes.loadUnaligned(fromByteOffset: start + 1, as: UInt16.self).bigEndian
            if let frame = try unsafe frame(bytes[start], payload) { try receive(channel, frame) }
            start += size + Self.overhead
        }
        return start
    }

    private func frame(_ type: UInt8, _ payload: UnsafeRawBufferPointer) throws(AMQPError) -> InboundFrame? {
        switch Int32(type) {
        case AMQP_FRAME_METHOD:
            guard payload.count >= 4 else { throw Self.unreadable("a method of \(payload.count) bytes") }
            defer { unsafe recycle_amqp_pool(pool) }
            let id = unsafe payload.loadUnaligned(as: UInt32.self).bigEndian
            let start = unsafe UnsafeMutableRawPointer(mutating: payload.baseAddress?.advanced(by: 4))
            var decoded: UnsafeMutableRawPointer?
            let status = unsafe amqp_decode_method(
                id, pool, amqp_bytes_t(len: payload.count - 4, bytes: start), &decoded)
            guard status >= 0 else { throw Self.unreadable("the method \(id): \(LibraryStatus.describe(status))") }
            return unsafe FrameDecoder.method(amqp_method_t(id: id, decoded: decoded))
        case AMQP_FRAME_HEADER:
            // Class, weight and the body's size stand before the properties.
            guard payload.count >= 14 else { throw Self.unreadable("a header of \(payload.count) bytes") }
            let size = unsafe payload.loadUnaligned(fromByteOffset: 4, as: UInt64.self).bigEndian
            return unsafe .header(bodySize: Int(clamping: size), WireProperties(bytes: Array(payload[12...])))
        case AMQP_FRAME_BODY: return unsafe .body(Array(payload))
        case AMQP_FRAME_HEARTBEAT: return .heartbeat
        default: return nil
        }
    }

    private static func unreadable(_ what: String) -> AMQPError {
        .connectionLost(reason: "unreadable data from the broker: \(what)")
    }
}
