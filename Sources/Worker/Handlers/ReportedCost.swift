internal import FoundationEssentials
internal import WorkOrders

/// What a handler says an attempt cost: a decimal text or a JSON number, read exactly.
struct ReportedCost: Decodable, Equatable {
    /// Nil when what was said is negative, not a number or beyond ``MicroUSD/limit``.
    let amount: MicroUSD?

    init(decimal text: String) {
        let digits = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }
        amount = MicroUSD(decimal: String(decoding: digits, as: UTF8.self).trimmingSuffix { $0 == " " || $0 == "\t" })
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self.init(decimal: text)
        } else if let number = try? value.decode(Decimal.self) {
            amount = MicroUSD(number)
        } else {
            amount = nil
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
