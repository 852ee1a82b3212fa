/// Something a subscriber to a channel should look at.
package struct PostgresNotification: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Somebody ran NOTIFY; an empty payload when they gave none.
        case notification(payload: String)
        /// The channel is listened to from now on, at first or again after a lost connection. What was sent before is
        /// lost, so look at what the notifications are about.
        case listening
    }

    package let channel: String
    package let kind: Kind

    package init(channel: String, kind: Kind) {
        self.channel = channel
        self.kind = kind
    }
}
