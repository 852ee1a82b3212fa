internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import WorkOrders

extension HTTPHandler {
    /// Why no answer came, and whether the service can have seen the request.
    func failure(for error: any Error) -> Outcome {
        if let code = Self.hostCode(error) {
            return .hostFault(
                AttemptFailure(
                    .infrastructure,
                    PlainText.line("this machine can't open a connection (\(error)): \(HostFault.advice(for: code))")))
        }
        let (failureClass, retry, wasSent): (FailureClass, AttemptFailure.Retry, Bool) =
            switch error {
            case is NIOConnectionError: (.infrastructure, .backoff, false)
            case let error as IOError: (.infrastructure, .backoff, !Self.unreachable.contains(error.errnoCode))
            case let error as HTTPClientError where error == .connectTimeout: (.timeout, .backoff, false)
            case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
                (.timeout, .backoff, true)
            case let error as HTTPClientError where error.isMisconfiguration: (.infrastructure, .never, false)
            default: (.infrastructure, .backoff, true)
            }
        let advice = retry == .never ? "; correct url and headers in moose.yaml" : ""
        return .failed(
            AttemptFailure(
                failureClass,
                PlainText.line("no answer from \(configuration.redactedURL): \(Self.words(for: error))\(advice)"),
                retry: retry),
            AttemptReport(didStart: wasSent))
    }

    /// The system's code where this machine had no descriptor or memory left for a connection.
    private static func hostCode(_ error: any Error) -> CInt? {
        let code =
            (error as? IOError)?.errnoCode
            ?? (error as? NIOConnectionError)?.connectionErrors.lazy.compactMap { ($0.error as? IOError)?.errnoCode }
            .first
        return code.flatMap { HostFault.contains($0) ? $0 : nil }
    }

    private static let unreachable: Set<CInt> = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ENETDOWN]

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
