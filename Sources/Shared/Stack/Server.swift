/// What starting one server takes; ``ServerRun`` does the rest for both.
protocol Server: Sendable {
    var kind: StackServer { get }
    /// Tells whether it takes clients.
    var probe: Probe { get }
    /// The files whose end explains a failed start.
    var logs: [String] { get }

    /// Writes the configuration, and makes the data if there are none.
    /// - Returns: whether a running server has to be restarted for it.
    func prepare() async throws -> Bool
    /// The program itself; it must not change into the background.
    func launchCommand() throws -> Command
    /// Removes what a crash left and a start would stumble over. No process of this server is running.
    func clearRemains()
    /// The last step before clients come.
    func finishStart() async throws
}

extension Server {
    func clearRemains() {}
    func finishStart() async throws {}
}
