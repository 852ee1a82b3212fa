internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import WorkOrders

extension HTTPHandler {
    /// Why no answer came. Where nothing was sent the attempt has not begun, whatever kept it: no free connection, no
    /// address, a refusal, TLS.
    func failure(for error: any Error, _ sending: Sending) -> Outcome {
        if !sending.hasBegun, let code = Self.hostCode(error) {
            return .hostFault(
                AttemptFailure(
                    .infrastructure,
                    PlainText.line("this machine can't open a connection (\(error)): \(HostFault.advice(for: code))")))
        }
        let isMisconfigured = (error as? HTTPClientError)?.isMisconfiguration ?? false
        let advice = isMisconfigured ? "; correct url and headers in moose.yaml" : ""
        let words = PlainText.line("no answer from \(configuration.redactedURL): \(Self.words(for: error))\(advice)")
        if isMisconfigured {
            return .failed(
                AttemptFailure(.infrastructure, words, retry: .never), AttemptReport(didStart: sending.hasBegun))
        }
        guard sending.hasBegun else { return .notBegun(AttemptFailure(.infrastructure, words)) }
        let isSlow =
            (error as? HTTPClientError).map { $0 == .deadlineExceeded || $0 == .readTimeout || $0 == .writeTimeout }
            ?? false
        return .failed(
            AttemptFailure(isSlow ? .timeout : .infrastructure, words), AttemptReport(didStart: true))
    }

    /// The system's code where this machine had no descriptor or memory left for a connection.
    private static func hostCode(_ error: any Error) -> CInt? {
        let code =
            (error as? IOError)?.errnoCode
            ?? (error as? NIOConnectionError)?.connectionErrors.lazy.compactMap { ($0.error as? IOError)?.errnoCode }
            .first
        return code.flatMap { HostFault.contains($0) ? $0 : nil }
    }

    /// Whether the connection was closed with nothing said: a service that closes a connection that was kept open may
    /// not have seen the request at all, and takes it under the same key if it has.
    static func isSilentEnd(_ error: any Error, _ sending: Sending) -> Bool {
        guard !sending.isAnswered else { return false }
        return switch error {
        case let error as HTTPClientError: error == .remoteConnectionClosed
        case let error as IOError: [ECONNRESET, EPIPE, ENOTCONN].contains(error.errnoCode)
        case let error as ChannelError: [.ioOnClosedChannel, .alreadyClosed, .inputClosed, .eof].contains(error)
        // The name that NIOSSL has for a connection that ends without TLS's goodbye.
        default: "\(error)" == "uncleanShutdown"
        }
    }

    /// Never the library's text for a refused header: it quotes the value, which may be a secret.
    private static func words(for error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { "\($0.error)" }
                ?? (error.dnsAError ?? error.dnsAAAAError).map { "the host's name was not found: \($0)" }
                ?? "no address could be reached"
        default: "\(error)"
        }
    }
}

extension HTTPClientError {
    /// Nothing was sent, and nothing will be until the configuration changes.
    fileprivate var isMisconfiguration: Bool {
        let withoutDetails: [HTTPClientError] = [.invalidURL, .emptyHost, .emptyScheme, .missingSocketPath]
        // The others carry what was refused and compare equal to nothing else.
        return withoutDetails.contains(self)
            || ["Unsupported scheme", "Invalid header field names", "Invalid header field values"]
                .contains(shortDescription)
    }
}
