/// What went wrong between Moose and the broker. Each description says what, why, and what to do next.
///
/// The cases that carry indexes speak of the messages of one ``AMQPPublisher/publish(_:deadline:)``: every message that
/// is not listed is confirmed. A publish that throws any other case has confirmed nothing that it knows of.
package enum AMQPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The broker's URL can't be used; the text never contains the password.
    case invalidURL(String)
    /// No host of the URL could be used: nobody answers, what answers is no RabbitMQ or shows a bad certificate, or the
    /// node takes no clients now. One entry a host, in the order they were tried.
    case connectionRefused([HostFailure])
    /// The broker knows no such user, or the password is wrong.
    case authenticationFailed(user: String)
    /// The broker has no virtual host of that name.
    case virtualHostMissing(String)
    /// The user lacks a permission.
    case accessRefused(String)
    /// Something of this name exists with other properties.
    case preconditionFailed(name: String, text: String)
    /// The queue or exchange does not exist.
    case notFound(String)
    /// The broker accepts no messages at the moment (memory or disk alarm).
    case blocked(reason: String)
    /// No answer in time.
    case timeout(operation: String)
    /// The connection broke, or is not there.
    case connectionLost(reason: String)
    /// The broker closed the channel.
    case channelClosed(code: Int, text: String)
    /// The broker refused these messages until the deadline, usually because the queue is full.
    case nacked([Int])
    /// No queue is bound for these mandatory messages; nothing of them was kept.
    case returned([Int], text: String)
    /// These messages may or may not have arrived: publish them again under the same ids.
    case unconfirmed([Int], reason: String)
    /// A message above the limit; none of the batch was sent.
    case messageTooLarge(index: Int, bytes: Int, limit: Int)
    /// A name or property that AMQP can't carry; nothing was sent.
    case invalidMessage(index: Int, reason: String)
    /// The waiting task was cancelled; what was already sent may arrive.
    case cancelled
    /// The client was closed.
    case closed
    /// The system refused a thread or a file descriptor.
    case system(String)

    /// What ``preconditionFailed(name:text:)`` names where the broker refused a message, and not something to be declared.
    package static let publishing = "publish"

    package var description: String {
        switch self {
        case .preconditionFailed(Self.publishing, let text):
            "the broker refused the message: \(text)"
        case .invalidURL(let reason):
            "the broker's URL is unusable: \(reason). Write it like amqp://user:password@host:5672/vhost, more hosts after commas"
        case .connectionRefused(let failures):
            Self.describe(failures)
        case .authenticationFailed(let user):
            "the broker refused the login of '\(user)'. Check user and password in the URL (percent-encode / : @ in it)"
        case .virtualHostMissing(let name):
            "the broker has no virtual host '\(name)'. "
                + "Create it (rabbitmqctl add_vhost '\(name)') or name another in the URL"
        case .accessRefused(let text):
            "the broker denied access: \(text). Grant the permission (rabbitmqctl set_permissions)"
        case .preconditionFailed(let name, let text):
            "'\(name)' exists with other properties: \(text). Delete it when it is empty, or declare it as it is"
        case .notFound(let text):
            "the broker does not have it: \(text). Declare the topology first"
        case .blocked(let reason):
            "the broker accepts no messages now: \(reason). It resumes by itself once memory or disk is free"
        case .timeout(let operation):
            "no answer from the broker in time (\(operation)). Check its load and the network, then try again"
        case .connectionLost(let reason):
            "there is no connection to the broker: \(reason). The client reconnects by itself; try again"
        case .channelClosed(let code, let text):
            "the broker closed the channel (\(code)): \(text)"
        case .nacked(let indexes):
            "the broker refused \(indexes.count) messages. The queue is probably full: let consumers catch up, then retry"
        case .returned(let indexes, let text):
            "\(indexes.count) messages reach no queue: \(text). Check the routing key and the bindings"
        case .unconfirmed(let indexes, let reason):
            "\(indexes.count) messages are unconfirmed: \(reason). Publish them again under the same ids; receivers dedupe"
        case .messageTooLarge(let index, let bytes, let limit):
            "message \(index) has \(bytes) bytes, the limit is \(limit). Store the content elsewhere and send a reference"
        case .invalidMessage(let index, let reason):
            "message \(index) can't be sent: \(reason)"
        case .cancelled:
            "the waiting task was cancelled; messages already sent may still arrive"
        case .closed:
            "the client is closed. Make a new one"
        case .system(let reason):
            "the system refused a resource: \(reason)"
        }
    }

    /// The broker is away: nobody answers there, or it takes nothing for now. The one place where that is decided.
    package var isAway: Bool {
        switch self {
        case .connectionRefused, .connectionLost, .timeout, .blocked, .unconfirmed: true
        // It is told to stop, and closes its connections.
        case .channelClosed(code: 320, _): true
        case .invalidURL, .authenticationFailed, .virtualHostMissing, .accessRefused, .preconditionFailed, .notFound,
            .channelClosed, .nacked, .returned, .messageTooLarge, .invalidMessage, .cancelled, .closed, .system:
            false
        }
    }

    private static func describe(_ failures: [HostFailure]) -> String {
        if failures.count == 1, let failure = failures.first {
            return "no connection to the broker at \(failure.address): \(failure.reason). "
                + (failure.advice ?? "Check that RabbitMQ runs there and the port is open")
        }
        let hosts = failures.map(\.description).joined(separator: "; ")
        return "no connection to any host of the broker: \(hosts). "
            + "Check that RabbitMQ runs there and the ports are open"
    }

    /// Translates a close of a channel or connection by the broker.
    static func from(code: Int, text: String, name: String, virtualHost: String) -> AMQPError {
        switch code {
        case 403: .accessRefused(text)
        // Not missing: of a queue whose node is away only that node knows the contents.
        case 404 where text.contains("down or inaccessible"): .channelClosed(code: code, text: text)
        case 404: .notFound(text)
        case 406: .preconditionFailed(name: name, text: text)
        case 530 where text.contains("not found"): .virtualHostMissing(virtualHost)
        case 530: .accessRefused(text)
        default: .channelClosed(code: code, text: text)
        }
    }
}
