package import AsyncHTTPClient
internal import NIOCore
internal import Telemetry

/// The metrics of a parent and all its processes.
package enum FleetMetrics {
    /// Asks each process's probes; one that doesn't answer within two seconds is left out.
    ///
    /// - Parameter own: the parent's own metrics.
    package static func text(own: [UInt8], of fleet: FleetState, client: HTTPClient) async -> [UInt8] {
        let parts = await withTaskGroup(of: (Int, String)?.self) { group in
            for member in fleet.members {
                guard let port = member.report?.port, port > 0 else { continue }
                group.addTask { await ask(port, client).map { (member.number, $0) } }
            }
            var parts: [(process: Int, text: String)] = []
            for await part in group { if let part { parts.append((process: part.0, text: part.1)) } }
            return parts.sorted { $0.process < $1.process }
        }
        return ExpositionMerge.merged(own: own, parts: parts)
    }

    private static func ask(_ port: Int, _ client: HTTPClient) async -> String? {
        do {
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/metrics")
            let response = try await client.execute(request, timeout: .seconds(2))
            return String(buffer: try await response.body.collect(upTo: 4_194_304))
        } catch {
            // It is starting, ending, or stands still: the gauge of processes and their probes tell which.
            return nil
        }
    }
}
