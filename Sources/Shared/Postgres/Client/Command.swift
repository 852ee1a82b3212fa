/// What tasks post to the I/O thread.
enum Command: Sendable {
    /// Serve it by any connection.
    case submit(Request)
    /// Run it on the leased connection.
    case submitOn(PoolState.ConnectionID, Request)
    /// The request was cancelled: forget it if it wasn't sent.
    case abandon(Request)
    /// A leased connection is given back; not `reusable`: it is closed, because its session may be left in any state.
    case release(PoolState.ConnectionID, reusable: Bool)
    case subscribe(NotificationListener.Subscriber)
    case unsubscribe(NotificationListener.Subscriber.ID)
    /// A pooler stands between, and it gives each session a server process of its own.
    case acceptPooler
    /// Finish what is in flight, answer the rest, end the thread.
    case close(Request)
}
