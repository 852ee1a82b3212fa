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
        _ configuration: AMQPConfiguration, timeout: Duration
    ) throws(AMQPError) -> (state: amqp_connection_state_t, heartbeat: Duration) {
        guard let state = unsafe amqp_new_connection() else { throw .system("memory") }
        do throws(AMQPError) {
            try unsafe connect(state, configuration, timeout)
            try unsafe logIn(state, configuration, timeout)
        } catch {
            unsafe amqp_destroy_connection(state)
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
        _ state: amqp_connection_state_t, _ configuration: AMQPConfiguration, _ timeout: Duration
    ) throws(AMQPError) {
        func refused(_ reason: String) -> AMQPError {
            .connectionRefused(host: configuration.host, port: configuration.port, reason: reason)
        }
        let socket: OpaquePointer?
        if configuration.usesTLS {
            unsafe socket = unsafe amqp_ssl_socket_new(state)
            guard let socket = unsafe socket else { throw .system("a TLS socket") }
            unsafe amqp_ssl_socket_set_verify_peer(socket, 1)
            unsafe amqp_ssl_socket_set_verify_hostname(socket, 1)
            unsafe amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
            let file = configuration.certificateAuthorityFile
            guard unsafe amqp_ssl_socket_set_cacert(socket, file) == AMQP_STATUS_OK.rawValue else {
                throw refused("the certificates in \(file) can't be read (cacertfile in the URL)")
            }
        } else {
            unsafe socket = unsafe amqp_tcp_socket_new(state)
        }
        guard let socket = unsafe socket else { throw .system("a socket") }
        var time = timeval(timeout)
        let status = unsafe amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &time)
        guard status == AMQP_STATUS_OK.rawValue else { throw refused(LibraryStatus.describe(status)) }
    }

    private static func logIn(
        _ state: amqp_connection_state_t, _ configuration: AMQPConfiguration, _ timeout: Duration
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
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw unsafe refusal(reply.reply, configuration)
        default:
            let reason = unsafe LibraryStatus.describe(reply.library_error)
            throw .connectionRefused(
                host: configuration.host, port: configuration.port, reason: "the login failed: \(reason)")
        }
    }

    private static func refusal(_ method: amqp_method_t, _ configuration: AMQPConfiguration) -> AMQPError {
        guard unsafe method.id == AMQP_CONNECTION_CLOSE_METHOD, let decoded = unsafe method.decoded else {
            return unsafe .connectionLost(reason: "an unexpected answer to the login (method \(method.id))")
        }
        let close = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
        let (code, text) = unsafe (Int(close.reply_code), String(close.reply_text))
        if code == 403 { return .authenticationFailed(user: configuration.user) }
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
