import WorkOrders

@testable import Worker

/// A handler that does what a test says.
struct PoolScriptedHandler: WorkHandler {
    let script: @Sendable (Job) async -> Outcome

    func run(_ job: Job) async -> Outcome { await script(job) }

    /// A registry in which it runs the kind `work` for nothing by default.
    static func registry(_ script: @escaping @Sendable (Job) async -> Outcome) -> HandlerRegistry {
        var handlers = HandlerRegistry()
        handlers.register("work", .init(PoolScriptedHandler(script: script), defaultEstimate: .zero, maxAttempts: 3))
        return handlers
    }
}
