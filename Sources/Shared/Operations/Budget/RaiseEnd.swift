package import FoundationEssentials

/// When a raise ends.
package enum RaiseEnd: Equatable, Sendable {
    case at(Date)
    /// So long after it begins, by the database's clock.
    case after(Duration)
    /// With the window that runs now.
    case endOfWindow
}
