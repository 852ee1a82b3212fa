/// Why a message can't become or stay a work order, or why an order failed for good. Stored with the dead letter and shown to whoever inspects it.
package enum DeadLetterReason: String, Sendable, CaseIterable {
    /// Not JSON, not UTF-8, or not an object.
    case malformed
    /// JSON, but a field is missing, of the wrong type or out of range.
    case invalidField = "invalid_field"
    /// Neither `message_id` nor `id` is a UUID, or the two differ.
    case noID = "no_id"
    /// Larger than the configured limit.
    case oversize
    /// No estimate, and its kind has no default price.
    case unknownPrice = "unknown_price"
    /// No live worker knew its kind within the grace.
    case unknownKind = "unknown_kind"
    /// The id was used before with another body.
    case idReused = "id_reused"
    /// It names a work order by its id alone, and that doesn't exist (any more).
    case unknownWorkOrder = "unknown_work_order"
    /// No queue was bound for its lane.
    case unroutable
    /// The broker gave up delivering it.
    case deliveryLimit = "delivery_limit"
    /// It waited longer than its queue or its own expiration allows.
    case expired
    /// Its queue was full.
    case maxLength = "max_length"
    /// A consumer refused it.
    case rejected
    /// Refused by the database although it decoded.
    case refused
    /// The relay could not publish it: too large, or the broker refused it again and again.
    case unpublishable
    /// The order failed for good: no attempt left, or another is of no use.
    case exhausted
    /// The order lost three workers.
    case poison
    /// The order's estimate is above the cap of a budget.
    case neverFits = "never_fits"
    /// Something the order depends on failed for good.
    case dependencyFailed = "dependency_failed"
}
