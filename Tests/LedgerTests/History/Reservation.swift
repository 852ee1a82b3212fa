/// One request for money.
struct Reservation: Sendable {
    /// The same work by a cheaper handler.
    struct Alternative: Sendable {
        let estimate: Int64
        let handler: String
        let model: String?
    }

    let name: HoldName
    let estimate: Int64
    let path: WorkPath
    var isDispatched = true
    /// Its time is over as soon as it is granted.
    var isOverdue = false
    var alternative: Alternative?

    var alternativePath: WorkPath? {
        alternative.map { other in
            WorkPath(project: path.project, agent: path.agent, handler: other.handler, model: other.model)
        }
    }
}
