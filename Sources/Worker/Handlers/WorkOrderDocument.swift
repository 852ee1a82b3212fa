internal import FoundationEssentials
internal import WorkOrders

/// The work order as a handler's program or service reads it: the body as published, plus `id`, `attempt` and `budget`.
enum WorkOrderDocument {
    /// Puts Moose's own fields right behind the opening brace and leaves every other member as it was published.
    ///
    /// These names are Moose's: what the body has under them is left out, also where Moose has nothing to say. A handler
    /// that goes by `budget` must not go by what the publisher would like.
    /// - Returns: nil when the body is not a JSON object.
    static func bytes(for job: Job) -> [UInt8]? {
        guard let object = JSONMembers(job.body) else { return nil }
        var own = ["\"id\":\"\(job.id.text)\"", "\"attempt\":\(job.attempt)"]
        if let budget = JobBudget(job) { own.append("\"budget\":\(budget.json)") }
        let added = Array(own.joined(separator: ",").utf8)
        let kept = object.members.filter { !reserved.contains($0.key) }
        if kept.count == object.members.count {
            let separator = kept.isEmpty ? "" : ","
            return job.body[..<object.start] + added + Array(separator.utf8) + job.body[object.start...]
        }
        var document = [UInt8(ascii: "{")] + added
        for member in kept {
            document.append(UInt8(ascii: ","))
            document += job.body[member.whole]
        }
        document.append(UInt8(ascii: "}"))
        return document
    }

    private static let reserved: Set<String> = ["id", "attempt", "budget"]
}
