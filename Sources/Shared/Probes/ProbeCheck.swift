/// One thing a process needs, and whether it is there now.
package struct ProbeCheck: Sendable, Equatable {
    /// What is checked, such as `broker`, `database` or `consumer default`.
    package let name: String
    /// Whether work can go on as far as this is concerned.
    package let isReady: Bool
    /// Whether the process can only be helped by a restart: then `/healthz` fails too. Default false.
    package let needsRestart: Bool
    /// Why it isn't ready, for people; without secrets. Default nil.
    package let detail: String?

    /// One result.
    package init(name: String, isReady: Bool, needsRestart: Bool = false, detail: String? = nil) {
        self.name = name
        self.isReady = isReady
        self.needsRestart = needsRestart
        self.detail = detail
    }
}
