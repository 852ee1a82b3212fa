/// An error that knows what kind of failure it is.
package protocol ClassifiedFailure: Error {
    var failureClass: FailureClass { get }
}
