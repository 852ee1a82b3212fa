internal import WorkOrders

/// Groups equal failures: class, component, operation, handler and the message without what differs each time. The
/// database keeps a digest of it, so that its length is nobody's concern.
enum Fingerprint {
    /// Raised when the normalisation changes, so that old and new groups don't mix.
    static let version = "v1"

    static func of(_ event: ErrorEvent) -> String {
        [
            version, event.failureClass ?? FailureClass.unknown.rawValue, event.component, event.operation,
            event.details?[.handler] ?? "", event.details?[.reason] ?? "", ErrorEvent.normalised(event.message),
        ].joined(separator: "|")
    }
}
