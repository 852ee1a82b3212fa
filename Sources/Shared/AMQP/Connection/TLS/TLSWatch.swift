internal import CRabbitMQ
internal import Glibc

/// Tells OpenSSL what one handshake expects, and keeps what it found until somebody asks.
@safe final class TLSWatch {
    private let options: TLSOptions
    private let name: String
    private let isAddress: Bool
    private let watch: UnsafeMutablePointer<moose_tls_watch>

    init(_ options: TLSOptions, for address: BrokerAddress) {
        self.options = options
        name = options.serverName ?? address.host
        isAddress = options.serverName == nil && address.isNumeric
        unsafe watch = .allocate(capacity: 1)
        unsafe watch.initialize(to: moose_tls_watch())
        if !isAddress { unsafe watch.pointee.server_name = UnsafePointer(strdup(name)) }
        unsafe watch.pointee.key_password = options.keyPassword.flatMap { unsafe UnsafePointer(strdup($0)) }
    }

    deinit {
        unsafe free(UnsafeMutablePointer(mutating: watch.pointee.server_name))
        unsafe free(UnsafeMutablePointer(mutating: watch.pointee.key_password))
        unsafe watch.deallocate()
    }

    /// Prepares a socket that isn't connected yet; it must be given to ``forget(_:)`` before this object goes.
    /// - Throws: what is wrong with the files of the options.
    func prepare(_ socket: OpaquePointer) throws(AMQPError) {
        if let problem = unsafe problem(
            moose_tls_prepare(
                socket, watch, options.verifies ? 1 : 0, name, isAddress ? 1 : 0, authorities, options.certificate,
                options.key))
        {
            throw .invalidURL(problem)
        }
        // Missing, OpenSSL's default file is no error there, and everything is unknown afterwards.
        if options.authorities == nil, let file = authorities, unsafe access(file, R_OK) != 0 {
            throw .invalidURL("SSL_CERT_FILE names \(file), which can't be read")
        }
    }

    func forget(_ socket: OpaquePointer) { unsafe moose_tls_forget(socket) }

    /// What the last failure on this thread was about; nil when it had nothing to do with TLS.
    func trouble() -> TLSTrouble? {
        let reason = moose_tls_last_reason()
        let words = unsafe moose_tls_last_words().map { unsafe String(cString: $0) }
        return TLSTrouble(
            name: name, verification: options.verifies ? unsafe watch.pointee.verify_error : X509_V_OK, reason: reason,
            words: words,
            lackedCertificate: unsafe watch.pointee.lacked_certificate != 0)
    }

    /// It has a certificate of this client's to show.
    var showsCertificate: Bool { options.certificate != nil }

    /// The one file to trust, or nil for OpenSSL's own places.
    private var authorities: String? {
        if let file = options.authorities { return file }
        guard let file = unsafe getenv("SSL_CERT_FILE") else { return nil }
        return unsafe file.pointee == 0 ? nil : String(cString: file)
    }

    private func problem(_ result: moose_tls_result) -> String? {
        switch result {
        case MOOSE_TLS_OK: nil
        case MOOSE_TLS_BAD_AUTHORITIES:
            "the certificates in \(authorities ?? "OpenSSL's default folder") can't be read "
                + (options.authorities == nil ? "(SSL_CERT_FILE)" : "(cacertfile)")
        case MOOSE_TLS_BAD_CERTIFICATE: "the certificate in \(options.certificate ?? "") can't be read (certfile)"
        case MOOSE_TLS_BAD_KEY:
            "the key in \(options.key ?? "") can't be read (keyfile)"
                + (options.keyPassword == nil
                    ? "; one with a password needs the option password" : " or opened (password)")
        case MOOSE_TLS_KEY_OF_ANOTHER:
            "the key in \(options.key ?? "") (keyfile) is not that of the certificate in \(options.certificate ?? "")"
        default: "'\(name)' is no name that a certificate could hold"
        }
    }
}
