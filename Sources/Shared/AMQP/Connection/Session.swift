internal import CRabbitMQ
internal import Glibc
internal import IOThread

/// One logged-in connection, owned by one I/O thread: gets frames out and in, answers what the protocol wants answered
/// at once, keeps the heartbeat, and queues everything else as events.
///
/// The first failure is final: every later operation throws it again, and the owner makes a new session.
@safe final class Session {
    typealias Instant = ContinuousClock.Instant
    /// For the thread that owns it: under TLS the library reads and writes headers by recursion, and 26,000 levels, the most
    /// that fit into a frame, take it 4 MB.
    static let stackBytes = 32 << 20
    /// Channels from here up serve ``onTemporaryChannel(_:)``; an abandoned one is not met again soon.
    static let firstTemporaryChannel: UInt16 = 1024
    private static let lastTemporaryChannel: UInt16 = 2000

    /// A frame that its owner has to deal with.
    struct Event {
        var channel: UInt16
        var frame: InboundFrame
    }

    private struct PendingCall {
        var channel: UInt16
        var replies: [UInt32]
        var answer: InboundFrame?
    }

    let writer: FrameWriter
    let serverVersion: String?
    private let configuration: AMQPConfiguration
    private let board: StatusBoard
    private let state: amqp_connection_state_t
    private let fileDescriptor: Int32
    private let watchdog: SendWatchdog?
    private let input: UnsafeMutableRawBufferPointer
    private let reader: FrameReader
    private var poll = PollSet()
    private var clock: HeartbeatClock
    private var events: [Event] = []
    private var pending: PendingCall?
    private var temporaryChannel: UInt16 = Session.firstTemporaryChannel
    private var stuckSince: (bytes: Int, instant: Instant)?
    /// The library may have read more than it has handed over.
    private var mayHaveMore = false
    private(set) var failure: AMQPError?
    /// Why the broker accepts no messages now.
    private(set) var blockedReason: String?

    /// Connects and logs in; blocks for up to twice the timeout.
    init(
        _ configuration: AMQPConfiguration, _ address: BrokerAddress, timeout: Duration, board: StatusBoard
    ) throws(AMQPError) {
        let (state, heartbeat) = try unsafe Handshake.open(configuration, address, timeout: timeout)
        unsafe self.state = unsafe state
        self.configuration = configuration
        self.board = board
        fileDescriptor = unsafe amqp_get_sockfd(state)
        watchdog = configuration.tls != nil ? SendWatchdog(limit: configuration.sendTimeout) : nil
        writer = unsafe FrameWriter(state: state, frameMax: Int(amqp_get_frame_max(state)), watchdog: watchdog)
        unsafe input = .allocate(byteCount: 131_072, alignment: 16)
        reader = unsafe FrameReader(frameMax: Int(amqp_get_frame_max(state)))
        clock = HeartbeatClock(interval: heartbeat, now: .now)
        if let table = unsafe amqp_get_server_properties(state),
            let version = unsafe Self.text("version", in: table.pointee)
        {
            serverVersion = version
        } else {
            serverVersion = nil
        }
        try takeOver()
    }

    deinit {
        watchdog?.end()
        unsafe amqp_destroy_connection(state)
        unsafe input.deallocate()
    }

    func nextTemporaryChannel() -> UInt16 {
        let wraps = temporaryChannel >= Self.lastTemporaryChannel
        temporaryChannel = wraps ? Self.firstTemporaryChannel : temporaryChannel + 1
        return temporaryChannel
    }

    /// What arrived since the last call, in order.
    func takeEvents() -> [Event] {
        let taken = events
        events.removeAll(keepingCapacity: taken.count < 1024)
        return taken
    }

    /// One turn: send what waits, wait until the socket or `waking` is ready or the deadline passes, read what is there.
    /// - Parameter isReading: false leaves what comes to the socket: then the broker waits, too. Its silence counts for
    ///   nothing meanwhile.
    /// - Throws: what ended the connection.
    func exchange(until deadline: Instant?, waking: Int32?, isReading: Bool = true) throws(AMQPError) {
        var now = Instant.now
        if clock.mustSend(at: now), writer.pendingBytes == 0 { writer.heartbeat() }
        try flush(at: now)
        poll.removeAll()
        var interest: PollSet.Interest = isReading ? .readable : []
        if writer.pendingBytes > 0 { interest.insert(.writable) }
        let socket = poll.add(fileDescriptor, interest)
        if let waking { poll.add(waking, .readable) }
        // Never longer than a second: a stuck socket must be noticed.
        var end = min(deadline ?? now + .seconds(1), now + .seconds(1))
        if let beat = clock.deadline { end = min(end, beat) }
        let isMoreThere = mayHaveMore && isReading
        poll.wait(until: events.isEmpty && !isMoreThere ? end : now)
        let ready = poll.ready(socket)
        now = .now
        if !isReading { clock.heard(at: now) }
        if !ready.isDisjoint(with: [.readable, .failed]) || isMoreThere {
            clock.heard(at: now)
            board.heard(at: now)
            if watchdog == nil { try receiveFromSocket() } else { try receiveFromLibrary() }
        } else if clock.isPeerGone(at: now) {
            throw fail(.connectionLost(reason: "the broker has been silent for two heartbeats"))
        }
    }

    /// Sends a request and waits for its answer; other frames that come meanwhile become events.
    ///
    /// - Parameter canAbandon: the channel is used for nothing else, so that a late answer does no harm.
    /// - Throws: what the broker answered instead (the channel is closed then), or what ended the connection.
    @discardableResult
    func call<Method>(
        _ id: UInt32, channel: UInt16, replies: [UInt32], name: String, canAbandon: Bool = false,
        _ build: (WireArena) -> Method
    ) throws(AMQPError) -> InboundFrame {
        if let failure { throw failure }
        pending = PendingCall(channel: channel, replies: replies)
        defer { pending = nil }
        writer.method(id, channel: channel, build)
        let deadline = Instant.now + configuration.rpcTimeout
        repeat {
            if canAbandon, let blockedReason { throw .blocked(reason: blockedReason) }
            try exchangeDuringCall(until: deadline)
            if let answer = pending?.answer {
                guard case .channelClosed(let code, let text) = answer else { return answer }
                throw .from(code: code, text: text, name: name, virtualHost: configuration.virtualHost)
            }
        } while Instant.now < deadline
        throw fail(.timeout(operation: name))
    }

    /// Says goodbye as far as that is possible in a second.
    func close() {
        guard failure == nil else { return }
        unsafe writer.method(AMQP_CONNECTION_CLOSE_METHOD, channel: 0) { arena in
            var close = unsafe amqp_connection_close_t()
            unsafe close.reply_code = UInt16(AMQP_REPLY_SUCCESS)
            unsafe close.reply_text = arena.bytes("goodbye")
            return unsafe close
        }
        pending = PendingCall(channel: 0, replies: [AMQP_CONNECTION_CLOSE_OK_METHOD])
        let deadline = Instant.now + .seconds(1)
        do throws(AMQPError) {
            while pending?.answer == nil, Instant.now < deadline { try exchangeDuringCall(until: deadline) }
        } catch {
            // The connection is going away either way.
        }
        failure = .closed
    }

    /// Events wait for the caller of the call, so they must not cut its waiting short.
    private func exchangeDuringCall(until deadline: Instant) throws(AMQPError) {
        let waiting = takeEvents()
        defer { events = waiting + events }
        try exchange(until: deadline, waking: nil)
    }

    private func flush(at now: Instant) throws(AMQPError) {
        if let failure { throw failure }
        writer.flush()
        if writer.hasWritten {
            clock.sent(at: now)
            writer.hasWritten = false
        }
        if let reason = writer.failure { throw fail(.connectionLost(reason: reason)) }
        let bytes = writer.pendingBytes
        guard bytes > 0, blockedReason == nil else {
            stuckSince = nil
            return
        }
        if let stuck = stuckSince, stuck.bytes == bytes {
            if now - stuck.instant > configuration.sendTimeout {
                throw fail(.connectionLost(reason: "the broker has read nothing for \(configuration.sendTimeout)"))
            }
        } else {
            stuckSince = (bytes, now)
        }
    }

    private func receiveFromSocket() throws(AMQPError) {
        let count = unsafe recv(fileDescriptor, input.baseAddress, input.count, Int32(MSG_DONTWAIT))
        if count == 0 { throw fail(.connectionLost(reason: "the broker closed the connection")) }
        if count < 0 {
            if errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR { return }
            throw fail(.connectionLost(reason: "the socket broke (errno \(errno))"))
        }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[..<count])
        do throws(AMQPError) {
            try unsafe reader.feed(bytes) { channel, frame throws(AMQPError) in try route(frame, channel) }
        } catch {
            throw fail(error)
        }
    }

    /// The library may have read past its last answer, also into a frame: until it has all of that, it reads on. Afterwards
    /// plain sockets are read here only.
    private func takeOver() throws(AMQPError) {
        let deadline = Instant.now + configuration.rpcTimeout
        while true {
            try receiveFromLibrary()
            let isAtRest = unsafe amqp_release_buffers_ok(state) != 0
            if watchdog != nil || (isAtRest && !mayHaveMore) { return }
            guard Instant.now < deadline else { throw fail(.timeout(operation: "the rest of a frame")) }
            poll.removeAll()
            poll.add(fileDescriptor, .readable)
            poll.wait(until: deadline)
        }
    }

    private func receiveFromLibrary() throws(AMQPError) {
        mayHaveMore = false
        var frames = 0
        while true {
            // Under TLS nobody else says that there is more; what owners must do must not wait for a fast broker.
            frames += 1
            if frames > 200 {
                mayHaveMore = true
                return
            }
            var frame = unsafe amqp_frame_t()
            var noTime = timeval()
            let status = unsafe amqp_simple_wait_frame_noblock(state, &frame, &noTime)
            if status == AMQP_STATUS_TIMEOUT.rawValue { return }
            guard status == AMQP_STATUS_OK.rawValue else {
                throw fail(.connectionLost(reason: LibraryStatus.describe(status)))
            }
            guard unsafe frame.frame_type != 0 else { continue }
            let (channel, copy) = unsafe (frame.channel, FrameDecoder.decode(frame))
            // The frame is copied: the pool it lived in would otherwise grow with every one.
            unsafe amqp_maybe_release_buffers_on_channel(state, channel)
            if let copy { try route(copy, channel) }
        }
    }

    private func route(_ frame: InboundFrame, _ channel: UInt16) throws(AMQPError) {
        switch frame {
        case .heartbeat: return
        case .blocked(let reason): setBlocked(reason)
        case .unblocked: setBlocked(nil)
        case .connectionClosed(let code, let text):
            writer.method(AMQP_CONNECTION_CLOSE_OK_METHOD, channel: 0) { _ in amqp_connection_close_ok_t() }
            writer.flush()
            throw fail(.connectionLost(reason: "the broker closed it (\(code)): \(text)"))
        case .channelClosed:
            writer.method(AMQP_CHANNEL_CLOSE_OK_METHOD, channel: channel) { _ in amqp_channel_close_ok_t() }
            answerOrQueue(frame, channel: channel, isAnswer: true)
        case .method(let id):
            answerOrQueue(frame, channel: channel, isAnswer: pending?.replies.contains(id) ?? false)
        case .queueDeclared: answerOrQueue(frame, channel: channel, isAnswer: true)
        default: events.append(Event(channel: channel, frame: frame))
        }
    }

    private static func text(_ key: String, in table: amqp_table_t) -> String? {
        for index in 0..<Int(unsafe table.num_entries) {
            let entry = unsafe table.entries[index]
            guard unsafe String(entry.key) == key, unsafe UInt32(entry.value.kind) == AMQP_FIELD_KIND_UTF8.rawValue
            else { continue }
            return unsafe String(entry.value.value.bytes)
        }
        return nil
    }

    private func answerOrQueue(_ frame: InboundFrame, channel: UInt16, isAnswer: Bool) {
        if isAnswer, pending?.channel == channel, pending?.answer == nil {
            pending?.answer = frame
        } else {
            events.append(Event(channel: channel, frame: frame))
        }
    }

    private func setBlocked(_ reason: String?) {
        blockedReason = reason
        board.blocked(reason)
    }

    private func fail(_ error: AMQPError) -> AMQPError {
        if failure == nil { failure = error }
        return error
    }
}
