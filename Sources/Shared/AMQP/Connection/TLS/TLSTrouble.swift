internal import CRabbitMQ

/// Why a handshake or the login after it failed, from OpenSSL's numbers.
struct TLSTrouble {
    let reason: String
    let advice: String?
    /// What answered spoke no TLS.
    let isOtherProtocol: Bool

    /// - Parameters:
    ///   - name: what the certificate was expected to hold.
    ///   - verification: why it was refused (X509_V_ERR_…), or 0.
    ///   - reason: what ended the connection (SSL_R_…), or 0; nil is returned when nothing else is known either.
    init?(name: String, verification: Int32, reason: Int32, words: String?, lackedCertificate: Bool) {
        isOtherProtocol = reason == SSL_R_WRONG_VERSION_NUMBER
        if verification != X509_V_OK {
            (self.reason, advice) = Self.refusal(verification, name)
        } else if lackedCertificate {
            self.reason = "it asks for a client certificate"
            advice = "Name one with the options certfile and keyfile of the URL"
        } else if let (text, next) = Self.alert(reason) {
            (self.reason, advice) = (text, next)
        } else if reason != 0 {
            self.reason = "TLS failed: \(words ?? "error \(reason)")"
            advice = nil
        } else {
            return nil
        }
    }

    private static func refusal(_ code: Int32, _ name: String) -> (String, String) {
        switch code {
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            (
                "its certificate is for another name than '\(name)'",
                "Name the host as the certificate does, or set server_name_indication"
            )
        case X509_V_ERR_CERT_HAS_EXPIRED:
            ("its certificate, or that of its authority, has expired", "Renew it, or set this machine's clock")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            ("its certificate, or that of its authority, is not valid yet", "Set the clocks of both machines")
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED:
            (
                "its certificate is of an unknown authority",
                "Name the authority's certificate with cacertfile in the URL, or with SSL_CERT_FILE"
            )
        case X509_V_ERR_CERT_REVOKED: ("its certificate was revoked", "Renew it")
        case X509_V_ERR_INVALID_PURPOSE:
            ("its certificate is not made for a server", "Make one with the extended key usage serverAuth")
        default:
            (
                "its certificate was refused: "
                    + (unsafe String(cString: X509_verify_cert_error_string(Int(code)))),
                "See it with openssl s_client"
            )
        }
    }

    private static func alert(_ code: Int32) -> (String, String?)? {
        switch code {
        case SSL_R_WRONG_VERSION_NUMBER: ("what answers there speaks no TLS", nil)
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            ("it asks for a client certificate", "Name one with the options certfile and keyfile of the URL")
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            ("it doesn't know the authority of the client certificate", "Let the broker trust that authority")
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: ("the client certificate has expired", "Renew the certfile")
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED: ("the client certificate was revoked", "Renew the certfile")
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
            SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
            ("it refused the client certificate", "See the broker's log, and renew the certfile")
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            ("it knows no host of that name", "Set server_name_indication in the URL")
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_UNSUPPORTED_PROTOCOL,
            SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
            ("both sides share no version or cipher of TLS", "Let the broker offer TLS 1.2 or 1.3")
        default: nil
        }
    }
}
