package import FoundationEssentials

/// What a replay did.
package struct SpoolReplay: Sendable, Equatable {
    /// A message that nobody takes.
    package struct Refusal: Sendable, Equatable {
        package let id: UUID
        package let why: String

        package init(id: UUID, why: String) {
            self.id = id
            self.why = why
        }
    }

    /// Messages handed over, those included that an interrupted replay had handed over before.
    package var messages = 0
    /// Files that are gone now.
    package var files = 0
    /// Lines that are no messages, or that nobody takes: kept in ``asideFiles``.
    package var linesAside = 0
    package var asideFiles: [String] = []
    /// Of those lines, the ones that are messages.
    package var refusals: [Refusal] = []

    package init() {}
}
