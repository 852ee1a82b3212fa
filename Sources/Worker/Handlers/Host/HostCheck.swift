/// What a worker asks its machine while something there is wrong, and does there once a second in any case.
package protocol HostCheck: Sendable {
    /// What is missing to start work, in words; nil where nothing is.
    func probe() async -> String?
    /// Mends what can be mended.
    func tend() async
}
