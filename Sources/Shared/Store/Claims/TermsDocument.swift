internal import FoundationEssentials
internal import WorkOrders

/// `p_terms` of a claim: what it claims by.
struct TermsDocument: Encodable {
    let worker: UUID
    let leaseMilliseconds: Int64
    let graceMilliseconds: Int64
    let kinds: [String: Kind]

    enum CodingKeys: String, CodingKey {
        case worker, kinds
        case leaseMilliseconds = "lease_ms"
        case graceMilliseconds = "grace_ms"
    }

    struct Kind: Encodable {
        let estimate: Int64?
        let nanoUSDPerByte: Int64
        let model: String?
        let economy: String?
        let concurrency: Int32?
        let rate: Int32?
        let rateSeconds: Int32?
        let keyConcurrency: Int32?

        enum CodingKeys: String, CodingKey {
            case model, economy, concurrency, rate
            case estimate = "estimate_u"
            case nanoUSDPerByte = "byte_nanos"
            case rateSeconds = "rate_seconds"
            case keyConcurrency = "key_concurrency"
        }

        init(_ terms: KindTerms) {
            estimate = terms.estimate?.microdollars
            nanoUSDPerByte = terms.nanoUSDPerByte
            model = terms.model
            economy = terms.economy
            concurrency = terms.limits?.concurrency.map(Int32.init(clamping:))
            rate = terms.limits?.rate.map { Int32(clamping: $0.count) }
            rateSeconds = terms.limits?.rate.map { Int32(clamping: $0.seconds) }
            keyConcurrency = terms.limits?.keyConcurrency.map(Int32.init(clamping:))
        }
    }
}
