/// An order this worker holds that somebody wants stopped.
package struct CancelRequest: Sendable, Equatable {
    package let key: LeaseKey
    package let who: String
    package let reason: String

    package init(key: LeaseKey, who: String, reason: String) {
        self.key = key
        self.who = who
        self.reason = reason
    }
}
