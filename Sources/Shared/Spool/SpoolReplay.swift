/// What a replay did.
package struct SpoolReplay: Sendable, Equatable {
    /// Messages handed over, those included that an interrupted replay had handed over before.
    package var messages = 0
    /// Files that are gone now.
    package var files = 0
    /// Lines that are no messages, or that nobody takes: kept in ``asideFiles``.
    package var linesAside = 0
    package var asideFiles: [String] = []

    package init() {}
}
