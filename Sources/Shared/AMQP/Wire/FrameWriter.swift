internal import CRabbitMQ

/// Encodes frames and gets them out.
///
/// Over plain TCP frames gather in a buffer that goes out with one `send` per turn of the loop. Under TLS only the
/// library can write, so each frame goes out at once, under a watchdog.
@safe final class FrameWriter {
    private let state: amqp_connection_state_t
    private let fileDescriptor: Int32
    private let frameMax: Int
    private let watchdog: SendWatchdog?
    private let arena = WireArena()
    private var output = OutputBuffer()
    /// Why the socket takes nothing any more.
    private(set) var failure: String?
    /// Anything handed over since this was last set to false.
    var hasWritten = false

    /// - Parameter watchdog: present under TLS.
    init(state: amqp_connection_state_t, frameMax: Int, watchdog: SendWatchdog?) {
        unsafe self.state = unsafe state
        self.frameMax = frameMax
        self.watchdog = watchdog
        fileDescriptor = unsafe amqp_get_sockfd(state)
    }

    /// Bytes that the socket has not taken yet.
    var pendingBytes: Int { output.count }

    /// Sends what the socket takes now.
    func flush() {
        guard output.count > 0, failure == nil else { return }
        let errno = output.send(to: fileDescriptor)
        if errno != 0 { failure = "the socket broke (errno \(errno))" }
    }

    /// Sends a method whose memory is made by `build`; the arena is valid until this returns.
    func method<Method>(_ id: UInt32, channel: UInt16, _ build: (WireArena) -> Method) {
        arena.reset()
        var method = build(arena)
        let isEncoded = unsafe withUnsafeMutableBytes(of: &method) { memory in
            unsafe send(id, memory.baseAddress, channel: channel, room: frameMax - 8)
        }
        if !isEncoded, failure == nil { failure = "a method (\(id)) could not be encoded" }
    }

    func heartbeat() {
        hasWritten = true
        if watchdog == nil {
            _ = unsafe output.appendFrame(AMQP_FRAME_HEARTBEAT, channel: 0, room: 0) { _ in 0 }
        } else {
            var frame = unsafe amqp_frame_t()
            unsafe frame.frame_type = UInt8(AMQP_FRAME_HEARTBEAT)
            unsafe send(&frame)
        }
    }

    /// Sends a message: method, header and as many body frames as it takes.
    /// - Returns: false when AMQP can't carry its properties; nothing was sent then.
    func publish(_ message: borrowing OutgoingMessage, channel: UInt16) -> Bool {
        // A header is one frame.
        guard let properties = message.wire ?? WireProperties(message.properties),
            properties.bytes.count <= frameMax - 20
        else { return false }
        arena.reset()
        var method = unsafe amqp_basic_publish_t()
        unsafe method.exchange = arena.bytes(message.exchange)
        unsafe method.routing_key = arena.bytes(message.routingKey)
        unsafe method.mandatory = message.mandatory ? 1 : 0
        // Half a message can't be taken back under TLS: what the library needs is made first.
        let decoded: UnsafeMutableRawPointer?
        if watchdog == nil {
            unsafe decoded = nil
        } else {
            unsafe decoded = arena.properties(properties)
            guard unsafe decoded != nil else { return false }
        }
        let mark = output.mark
        let isSent = unsafe withUnsafeMutableBytes(of: &method) { memory in
            unsafe send(AMQP_BASIC_PUBLISH_METHOD, memory.baseAddress, channel: channel, room: 1024)
        }
        guard isSent else {
            output.truncate(to: mark)
            return false
        }
        if let decoded = unsafe decoded {
            unsafe sendHeader(decoded, bodySize: message.body.count, channel: channel)
        } else {
            appendHeader(properties, bodySize: message.body.count, channel: channel)
        }
        unsafe message.body.withUnsafeBytes { body in
            var rest = unsafe body[...]
            while unsafe !rest.isEmpty {
                let fragment = unsafe rest.prefix(frameMax - 8)
                unsafe sendBody(UnsafeRawBufferPointer(rebasing: fragment), channel: channel)
                unsafe rest = unsafe rest.dropFirst(fragment.count)
            }
        }
        return true
    }

    private func send(_ id: UInt32, _ method: UnsafeMutableRawPointer?, channel: UInt16, room: Int) -> Bool {
        hasWritten = true
        if watchdog != nil {
            var frame = unsafe amqp_frame_t()
            unsafe frame.frame_type = UInt8(AMQP_FRAME_METHOD)
            unsafe frame.channel = channel
            unsafe frame.payload.method = unsafe amqp_method_t(id: id, decoded: method)
            unsafe send(&frame)
            return true
        }
        return unsafe output.appendFrame(AMQP_FRAME_METHOD, channel: channel, room: room) { memory in
            unsafe memory.storeBytes(of: id.bigEndian, as: UInt32.self)
            let length = unsafe amqp_encode_method(id, method, amqp_bytes_t(len: room - 4, bytes: memory + 4))
            return length < 0 ? -1 : Int(length) + 4
        }
    }

    private func sendHeader(_ properties: UnsafeMutableRawPointer, bodySize: Int, channel: UInt16) {
        var frame = unsafe amqp_frame_t()
        unsafe frame.frame_type = UInt8(AMQP_FRAME_HEADER)
        unsafe frame.channel = channel
        unsafe frame.payload.properties.class_id = UInt16(AMQP_BASIC_CLASS)
        unsafe frame.payload.properties.body_size = UInt64(bodySize)
        unsafe frame.payload.properties.decoded = unsafe properties
        unsafe send(&frame)
    }

    private func appendHeader(_ properties: WireProperties, bodySize: Int, channel: UInt16) {
        let bytes = properties.bytes
        _ = unsafe output.appendFrame(AMQP_FRAME_HEADER, channel: channel, room: bytes.count + 12) { memory in
            unsafe memory.storeBytes(of: UInt16(AMQP_BASIC_CLASS).bigEndian, as: UInt16.self)
            unsafe memory.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
            unsafe memory.storeBytes(of: UInt64(bodySize).bigEndian, toByteOffset: 4, as: UInt64.self)
            unsafe bytes.withUnsafeBytes { source in
                if let start = source.baseAddress {
                    unsafe (memory + 12).copyMemory(from: start, byteCount: source.count)
                }
            }
            return bytes.count + 12
        }
    }

    private func sendBody(_ fragment: UnsafeRawBufferPointer, channel: UInt16) {
        if watchdog == nil {
            _ = unsafe output.appendFrame(AMQP_FRAME_BODY, channel: channel, room: fragment.count) { memory in
                if let start = fragment.baseAddress { unsafe memory.copyMemory(from: start, byteCount: fragment.count) }
                return fragment.count
            }
        } else {
            var frame = unsafe amqp_frame_t()
            unsafe frame.frame_type = UInt8(AMQP_FRAME_BODY)
            unsafe frame.channel = channel
            unsafe frame.payload.body_fragment = unsafe amqp_bytes_t(
                len: fragment.count, bytes: UnsafeMutableRawPointer(mutating: fragment.baseAddress))
            unsafe send(&frame)
        }
    }

    private func send(_ frame: inout amqp_frame_t) {
        guard failure == nil else { return }
        watchdog?.arm(fileDescriptor)
        let status = unsafe amqp_send_frame(state, &frame)
        watchdog?.disarm()
        if status != AMQP_STATUS_OK.rawValue { failure = LibraryStatus.describe(status) }
    }
}
