extension PostgresError {
    /// What the statement carried is at fault: trying the same again can't help.
    package var isDataFault: Bool { fault == .item }
}
