internal import Probes
internal import Settings

extension ServerAddress {
    init(_ address: ListenAddress) { self.init(host: address.host, port: address.port) }
}
