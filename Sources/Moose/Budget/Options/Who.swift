internal import FoundationEssentials
internal import WorkOrders

/// Who makes a change, as the audit log names them.
enum Who {
    /// `$MOOSE_WHO`, else `user@host`.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when the variable holds no name.
    static func name(environment: [String: String]) throws(CommandFailure) -> String {
        guard let stated = environment["MOOSE_WHO"], !stated.isEmpty else {
            return "\(ProcessInfo.processInfo.userName)@\(HostName.current)"
        }
        do {
            return try FieldRule.text(200).check(stated, "MOOSE_WHO")
        } catch {
            throw CommandFailure(error.explanation, status: .usage)
        }
    }

    /// As of this process.
    static func name() throws(CommandFailure) -> String {
        try name(environment: ProcessInfo.processInfo.environment)
    }
}
