/// A lease as a pass saw it expired. Renewed and expired again it is another one: somebody was alive between.
package struct ExpiredLease: Hashable, Sendable {
    package let key: LeaseKey
    /// When it expired by the database's clock, in microseconds since 1970.
    package let expiry: Int64

    package init(key: LeaseKey, expiry: Int64) {
        self.key = key
        self.expiry = expiry
    }
}
