/// Says that there is something to look at; many rings before the look are one.
struct Bell: Sendable {
    /// For one listener.
    let rings: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    init() {
        (rings, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { ringer.yield() }
}
