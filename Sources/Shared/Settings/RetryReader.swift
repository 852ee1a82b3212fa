/// Reads a block `retry`: of the whole file, or of one kind.
enum RetryReader {
    /// The shortest wait that can be written (shorter ones would only spin), and the longest.
    private static let waits = Duration.milliseconds(10)...Duration.seconds(86_400)

    /// - Parameter standard: what holds where a key is missing.
    static func read(_ section: Section, over standard: RetrySettings) -> RetrySettings {
        let section = section.knowing(["base_seconds", "cap_seconds"])
        var retry = standard
        retry.base = section["base_seconds"]?.seconds(in: waits) ?? retry.base
        retry.cap = section["cap_seconds"]?.seconds(in: waits) ?? retry.cap
        if retry.cap < retry.base { section.fail("has a cap_seconds below its base_seconds: raise the cap") }
        return retry
    }
}
