/// One thing that `moose doctor` looked at.
struct Finding: Encodable {
    let check: String
    let ok: Bool
    /// What was found; of a failure what is wrong, why, and what mends it.
    let detail: String?

    static func good(_ check: String, _ detail: String? = nil) -> Finding {
        Finding(check: check, ok: true, detail: detail)
    }

    static func bad(_ check: String, _ detail: String) -> Finding { Finding(check: check, ok: false, detail: detail) }

    static func bad(_ check: String, _ error: any Error) -> Finding {
        .bad(check, CommandFailure(reporting: error).sentences)
    }
}
