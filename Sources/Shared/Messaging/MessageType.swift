/// The `type` property of Moose's messages.
package enum MessageType {
    /// A work order, whole.
    package static let workOrder = "moose.work-order.v1"
    /// Only an id: look at the row again.
    package static let registered = "moose.registered.v1"
    package static let errorEvent = "moose.error-event.v1"
    /// A budget reached a share of its cap; the database writes it.
    package static let budgetEvent = "moose.budget-event.v1"
    /// The answer to `reply_to`.
    package static let outcome = "moose.outcome.v1"
}
