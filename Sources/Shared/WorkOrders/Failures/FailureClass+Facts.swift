/// What a fact says about a failure. Facts come first and text last: an exit code means one thing, a sentence many.
extension FailureClass {
    /// The class of any error: its own word, else what its text says.
    package static func of(_ error: any Error) -> FailureClass {
        (error as? any ClassifiedFailure)?.failureClass ?? of(text: "\(error)") ?? .unknown
    }

    /// How a program ended by itself: `sysexits.h`, the shell's own codes, `timeout(1)`, and 128 + a signal. Nil for
    /// 1, 2 and others that every program uses for what it likes.
    package static func of(exitCode: Int32) -> FailureClass? {
        switch exitCode {
        // EX_USAGE to EX_NOINPUT: what it was given is wrong.
        case 64...66: .invalidInput
        // EX_PROTOCOL: the other side broke the agreement.
        case 76: .contractViolation
        // EX_NOUSER to EX_CONFIG, but for EX_SOFTWARE: the machine, its services, its rights.
        case 67...69, 71...75, 77, 78: .infrastructure
        case 124: .timeout
        // The shell could not run a program, or found none of that name: it is this machine that lacks it.
        case 126, 127: .infrastructure
        case 129...192: of(signal: exitCode - 128)
        default: nil
        }
    }

    /// What killed a program.
    package static func of(signal: Int32) -> FailureClass {
        // SIGXCPU and SIGALRM are time that ran out; all else is the machine's doing or the program's crash.
        signal == 24 || signal == 14 ? .timeout : .infrastructure
    }

    /// An answer's status; nil for one that is no failure.
    package static func of(httpStatus: Int) -> FailureClass? {
        switch httpStatus {
        case 402: .budgetExceeded
        // The service's credentials, which are no order's.
        case 401, 403, 407: .infrastructure
        case 408, 504: .timeout
        case 424: .dependencyMissing
        case 425, 429: .infrastructure
        case 400...499: .invalidInput
        case 300...399, 500...599: .infrastructure
        default: nil
        }
    }

    /// What PostgreSQL said, by its five characters.
    package static func of(sqlState: String) -> FailureClass {
        switch sqlState {
        // The statement's own time, a lock's, an idle transaction's.
        case "57014", "55P03", "25P03": return .timeout
        // What an operator or a client asked for can't be.
        case "MS004", "MS005": return .invalidInput
        default: break
        }
        switch sqlState.prefix(2) {
        case "22", "23": return .invalidInput
        // Rules of the schema, of a trigger, and statements that don't fit the schema: an order of things was broken.
        case "MS", "P0", "42", "25", "2D", "3B": return .orchestrationError
        default: return .infrastructure
        }
    }

    /// The facts that an event's details may hold by these names: `sqlstate`, `http_status`, `signal`, `exit_code`.
    /// Nil where there are none, or none that says anything.
    package static func of(details: [String: String]) -> FailureClass? {
        if let state = details[.sqlState], state.utf8.count == 5 { return of(sqlState: state) }
        if let status = details[.httpStatus].flatMap(Int.init), let known = of(httpStatus: status) { return known }
        if let signal = details[.signal].flatMap(Int32.init) { return of(signal: signal) }
        if let code = details[.exitCode].flatMap(Int32.init) { return of(exitCode: code) }
        return nil
    }
}
