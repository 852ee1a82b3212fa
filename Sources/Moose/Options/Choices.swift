internal import ArgumentParser
internal import WorkOrders

// The command line knows every value of these, lists them in its help and completes them in a shell.

extension WorkOrderState: ExpressibleByArgument {}
extension DeadLetterReason: ExpressibleByArgument {}
