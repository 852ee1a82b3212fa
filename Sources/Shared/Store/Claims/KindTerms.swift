package import WorkOrders

/// What a claim has to know of a kind that this worker runs.
package struct KindTerms: Sendable, Equatable {
    /// Reserved for an attempt of an order that names no estimate of its own; nil: such an order is refused.
    package var estimate: MicroUSD?
    /// Added for each byte of the body, in billionths of a dollar.
    package var nanoUSDPerByte: Int64
    /// The model it uses, for budgets of a model.
    package var model: String?
    /// The kind that does the same work for less: it runs instead in economy mode, or when money is short.
    package var economy: String?
    /// How much of it may go on at a time; nil: no limits.
    package var limits: KindLimits?

    package init(
        estimate: MicroUSD?, nanoUSDPerByte: Int64 = 0, model: String? = nil, economy: String? = nil,
        limits: KindLimits? = nil
    ) {
        self.estimate = estimate
        self.nanoUSDPerByte = nanoUSDPerByte
        self.model = model
        self.economy = economy
        self.limits = limits
    }

    /// The price of an attempt with a body of so many bytes, rounded up; nil: no price is known. Clamped to
    /// ``MicroUSD/limit``, which fits no budget.
    package func price(bytes: Int) -> MicroUSD? {
        guard let estimate else { return nil }
        let prompt = (Int128(nanoUSDPerByte) * Int128(bytes) + 999) / 1000
        let price = min(Int128(estimate.microdollars) + prompt, Int128(MicroUSD.limit.microdollars))
        return MicroUSD(microdollars: Int64(price))
    }
}
