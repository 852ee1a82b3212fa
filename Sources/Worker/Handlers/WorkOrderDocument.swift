internal import FoundationEssentials
internal import WorkOrders

/// The work order as a handler's program or service reads it: the body as published, plus `id`, `attempt` and `budget`.
enum WorkOrderDocument {
    /// Adds these fields right behind the opening brace and leaves every other byte as it was published.
    ///
    /// A body that has a field of that name keeps its own: `id` says the same there, and an `attempt` of the publisher
    /// is the publisher's business (the number of this attempt is in the environment, too), as is a `budget`.
    /// - Returns: nil when the body is not a JSON object.
    static func bytes(for job: Job) -> [UInt8]? {
        guard let object = JSONMembers(job.body) else { return nil }
        var added: [String] = []
        if object.value(of: "id") == nil { added.append("\"id\":\"\(job.id.uuidString.lowercased())\"") }
        if object.value(of: "attempt") == nil { added.append("\"attempt\":\(job.attempt)") }
        if let budget = JobBudget(job), object.value(of: "budget") == nil { added.append("\"budget\":\(budget.json)") }
        guard !added.isEmpty else { return job.body }
        let separator = object.members.isEmpty ? "" : ","
        return job.body[..<object.start] + Array((added.joined(separator: ",") + separator).utf8)
            + job.body[object.start...]
    }
}
