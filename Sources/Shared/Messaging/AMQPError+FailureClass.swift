package import AMQP
package import WorkOrders

extension AMQPError: ClassifiedFailure {
    package var failureClass: FailureClass {
        switch self {
        case .timeout: .timeout
        case .messageTooLarge, .invalidMessage: .invalidInput
        case .invalidURL, .connectionRefused, .authenticationFailed, .virtualHostMissing, .accessRefused,
            .preconditionFailed, .notFound, .blocked, .connectionLost, .channelClosed, .nacked, .returned, .unconfirmed,
            .cancelled, .closed, .system:
            .infrastructure
        }
    }
}
