/// How the broker proves who it is under TLS, and what this client shows of itself.
package struct TLSOptions: Sendable, Equatable {
    /// False accepts any certificate: `verify=verify_none` in the URL.
    package var verifies = true
    /// The certificates trusted, in PEM; nil: the system's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. `cacertfile`.
    package var authorities: String?
    /// The client's own certificate, with those between it and its authority, in PEM. `certfile`.
    package var certificate: String?
    /// The key of ``certificate``, in PEM. `keyfile`.
    package var key: String?
    /// What the key is locked with. `password`.
    var keyPassword: String?
    /// The name to ask for and to expect, instead of the host's. `server_name_indication`.
    package var serverName: String?

    package init() {}
}
