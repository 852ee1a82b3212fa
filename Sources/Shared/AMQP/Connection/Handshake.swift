internal import CRabbitMQ
internal import Glibc

/// Opens a connection and logs in: the one phase where the library does the talking, because it bounds every step.
enum Handshake {
    static let frameMax: Int32 = 131_072
    private static let channelMax: Int32 = 2047

    /// - Parameter timeout: for the TCP connection, and again for the login.
    /// - Returns: a connection whose heartbeats are off in the library, and the interval both sides agreed on. The
    ///   caller destroys it.
    static func open(
        _ configuration: AMQPConfiguration, _ address: BrokerAddress, timeout: Duration
    ) throws(AMQPError) -> (state: amqp_connection_state_t, heartbeat: Duration) {
        guard let state = unsafe amqp_new_connection() else { throw .system("memory") }
        let watch = configuration.tls.map { TLSWatch($0, for: address) }
        do throws(AMQPError) {
            let socket = try unsafe connect(state, address, watch, timeout)
            try unsafe logIn(state, configuration, address, watch, timeout)
            unsafe watch?.forget(socket)
        } catch {
            // What is destroyed still knows the watch.
            withExtendedLifetime(watch) { _ = unsafe amqp_destroy_connection(state) }
            throw error
        }
        prepareSocket(unsafe amqp_get_sockfd(state))
        let heartbeat = Duration.seconds(unsafe amqp_get_heartbeat(state))
        // From here on the session sends and checks heartbeats: the library would close a connection that it did not
        // read itself.
        unsafe amqp_tune_connection(state, amqp_get_channel_max(state), amqp_get_frame_max(state), 0)
        return unsafe (state, heartbeat)
    }

    private static func connect(
        _ state: amqp_connection_state_t, _ address: BrokerAddress, _ watch: TLSWatch?, _ timeout: Duration
    ) throws(AMQPError) -> OpaquePointer {
        let socket = unsafe watch == nil ? amqp_tcp_socket_new(state) : amqp_ssl_socket_new(state)
        guard let socket = unsafe socket else { throw .system("a socket") }
        if let watch { try unsafe watch.prepare(socket) }
        var time = timeval(timeout)
        let status = unsafe amqp_socket_open_noblock(socket, address.host, Int32(address.port), &time)
        guard status != AMQP_STATUS_OK.rawValue else { return unsafe socket }
        throw failure(at: address, status, watch, usesTLS: watch != nil)
    }

    /// Puts what the library says into words; what it can't tell is asked of the port itself.
    private static func failure(
        at address: BrokerAddress, _ status: Int32, _ watch: TLSWatch?, usesTLS: Bool, phase: String = ""
    ) -> AMQPError {
        let reason = phase + LibraryStatus.describe(status)
        // Nobody is there to ask, or nobody who answers.
        let isAbsent =
            status == AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue || status == AMQP_STATUS_TIMEOUT.rawValue
            || phase.isEmpty && (watch == nil || status == AMQP_STATUS_SOCKET_ERROR.rawValue)
        let trouble = watch?.trouble()
        if let trouble, !trouble.isOtherProtocol {
            return .connectionRefused([HostFailure(address, trouble.reason, advice: trouble.advice)])
        }
        // Since TLS 1.3 a certificate is refused after the handshake, and who closes at once may take the reason with it.
        if trouble == nil, status == AMQP_STATUS_SSL_ERROR.rawValue, !phase.isEmpty, watch?.showsCertificate == true {
            return .connectionRefused([
                HostFailure(
                    address, "it ended the connection after it was shown the client certificate",
                    advice: "It may have refused it: see the broker's log")
            ])
        }
        if isAbsent { return .connectionRefused([HostFailure(address, reason)]) }
        let failure = PortProbe.ask(address).failure(
            at: address, usesTLS: usesTLS, otherwise: trouble?.reason ?? reason)
        return .connectionRefused([failure])
    }

    private static func logIn(
        _ state: amqp_connection_state_t, _ configuration: AMQPConfiguration, _ address: BrokerAddress,
        _ watch: TLSWatch?, _ timeout: Duration
    ) throws(AMQPError) {
        var time = timeval(timeout)
        unsafe amqp_set_handshake_timeout(state, &time)
        unsafe amqp_set_rpc_timeout(state, &time)
        let arena = WireArena()
        var properties = unsafe arena.table(clientProperties(configuration))
        let seconds = Int32(clamping: max(1, configuration.heartbeat.components.seconds))
        let reply = unsafe moose_amqp_login(
            state, configuration.virtualHost, channelMax, frameMax, seconds, &properties, configuration.user,
            configuration.password)
        switch unsafe reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw unsafe refusal(reply.reply, configuration, address)
        default:
            throw unsafe failure(
                at: address, reply.library_error, watch, usesTLS: watch != nil, phase: "the login failed: ")
        }
    }

    private static func refusal(
        _ method: amqp_method_t, _ configuration: AMQPConfiguration, _ address: BrokerAddress
    ) -> AMQPError {
        guard unsafe method.id == AMQP_CONNECTION_CLOSE_METHOD, let decoded = unsafe method.decoded else {
            return unsafe .connectionLost(reason: "an unexpected answer to the login (method \(method.id))")
        }
        let close = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
        let (code, text) = unsafe (Int(close.reply_code), String(close.reply_text))
        switch code {
        case 403: return .authenticationFailed(user: configuration.shownUser)
        // A limit of connections, a virtual host that is still starting, a node on its way into maintenance: another may do.
        case 530 where text.contains(") is reached"):
            return .connectionRefused([HostFailure(address, text, advice: "Raise the limit, or close connections")])
        case 530: break
        default:
            return .connectionRefused([
                HostFailure(address, text, advice: "Wait until the node is up, or see its log")
            ])
        }
        return .from(code: code, text: text, name: configuration.virtualHost, virtualHost: configuration.virtualHost)
    }

    /// Without these capabilities the broker neither tells when a consumer ends nor when publishing is blocked.
    private static func clientProperties(_ configuration: AMQPConfiguration) -> FieldTable {
        [
            "product": "Moose",
            "connection_name": .string(configuration.connectionName),
            "capabilities": .table([
                "consumer_cancel_notify": true, "connection.blocked": true, "publisher_confirms": true,
                "basic.nack": true, "authentication_failure_close": true,
            ]),
        ]
    }

    private static func prepareSocket(_ fileDescriptor: Int32) {
        var on: Int32 = 1
        unsafe setsockopt(
            fileDescriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // Commands that handlers start must not inherit the connection.
        _ = fcntl(fileDescriptor, F_SETFD, FD_CLOEXEC)
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = max(.zero, duration).components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
