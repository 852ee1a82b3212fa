/// Why an attempt failed, and whether trying again can help.
package struct AttemptFailure: Sendable, Equatable {
    package enum Retry: Sendable, Equatable {
        /// Try again after the policy's backoff.
        case backoff
        /// The other side said when: `Retry-After`.
        case after(Duration)
        /// Trying again can't help.
        case never
    }

    package var failureClass: FailureClass
    /// In words, for a person; no secrets. At most a few hundred characters.
    package var message: String
    package var retry: Retry
    /// What tells this cause from others of the class: the exit code, the signal, the HTTP status. Failures with other
    /// facts are another escalation.
    package var facts: [DetailKey: String]

    package init(
        _ failureClass: FailureClass, _ message: String, retry: Retry = .backoff, facts: [DetailKey: String] = [:]
    ) {
        self.failureClass = failureClass
        self.message = message
        self.retry = retry
        self.facts = facts
    }
}
