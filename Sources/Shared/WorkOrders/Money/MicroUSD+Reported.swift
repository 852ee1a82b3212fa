extension MicroUSD {
    /// Reads what a program or a service says that something cost, in any form that ``DecimalText`` takes; what lies
    /// beyond a millionth is rounded up.
    ///
    /// The money is spent: refusing a form would not bring it back. What people and publishers write is held to the
    /// plain form of ``init(decimal:)``.
    /// - Returns: nil where there is no telling what was meant, for a negative amount, and beyond ``limit``.
    package init?(reported text: String) {
        guard let micro = DecimalText(text)?.scaled(by: 6)?.value, micro <= Self.limit.microdollars else { return nil }
        self.init(microdollars: micro)
    }
}
