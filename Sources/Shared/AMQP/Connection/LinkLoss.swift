/// A client has no connection to the broker and makes another: the error of the log entries that tell of it, so that who
/// reads them needs no words to know.
package struct LinkLoss: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why none was made, or what ended it.
    package let cause: AMQPError

    package init(_ cause: AMQPError) { self.cause = cause }

    package var description: String { cause.description }
}
