internal import FoundationEssentials
internal import WorkOrders

/// What a handler says an attempt cost: a decimal text or a JSON number, read exactly.
struct ReportedCost: Decodable, Equatable {
    /// Nil when what was said is negative, not a number or beyond ``MicroUSD/limit``.
    let amount: MicroUSD?

    private init(amount: MicroUSD?) { self.amount = amount }

    /// Blanks around the text don't matter.
    init(decimal text: String) {
        let digits = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }
        amount = MicroUSD(decimal: String(decoding: digits, as: UTF8.self).trimmingSuffix { $0 == " " || $0 == "\t" })
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self.init(decimal: text)
        } else {
            self.init(amount: (try? value.decode(Decimal.self)).flatMap { MicroUSD($0) })
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(while isBlank: (Character) -> Bool) -> String {
        var text = self
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}
