/// The program a group of processes runs, and what its parent hears of them.
package struct FleetProgram: Sendable {
    /// Its path.
    package var executable: String
    /// Its arguments, by the number of the process.
    package var arguments: @Sendable (Int) -> [String]
    /// Its environment; nil is this process's own.
    package var environment: [String: String]?
    /// What it finds first on its standard input.
    package var greeting: [UInt8]
    /// Gets every whole line a process writes to standard error, or to standard output when it is no report.
    package var onLine: @Sendable (_ process: Int, _ line: String) -> Void

    package init(
        executable: String, arguments: @escaping @Sendable (Int) -> [String], environment: [String: String]? = nil,
        greeting: [UInt8] = [],
        onLine: @escaping @Sendable (_ process: Int, _ line: String) -> Void
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.greeting = greeting
        self.onLine = onLine
    }
}
