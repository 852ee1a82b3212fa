// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is compiled with these: warnings are errors, and each unsafe expression says so.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A small library below Sources/Shared; its README.md is the map.
func shared(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", resources: resources,
        swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "moose",
    products: [.executable(name: "moose", targets: ["Moose"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0", traits: []),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLinux", path: "Sources/Shared/CLinux"),
        .systemLibrary(name: "CRabbitMQ", path: "Sources/Shared/CRabbitMQ", pkgConfig: "librabbitmq"),
        .systemLibrary(name: "CLibPQ", path: "Sources/Shared/CLibPQ", pkgConfig: "libpq"),
        .systemLibrary(name: "CZlib", path: "Sources/Shared/CZlib", pkgConfig: "zlib"),
        shared("IOThread", ["CLinux"]),
        shared(
            "AMQP",
            [
                "IOThread", "CRabbitMQ", logging, .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        shared(
            "Postgres",
            ["IOThread", "CLibPQ", logging, .product(name: "DequeModule", package: "swift-collections")]),
        shared("WorkOrders"),
        shared("Settings", ["Yams"]),
        shared("Spool", ["IOThread"]),
        shared("Stack"),
        shared(
            "Telemetry",
            [
                "IOThread", logging, .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        shared(
            "Store", ["IOThread", "Postgres", "WorkOrders", logging],
            resources: [.embedInCode("Schema"), .embedInCode("Functions")]),
        shared("Messaging", ["AMQP", "Spool", "WorkOrders", .product(name: "Crypto", package: "swift-crypto")]),
        shared(
            "Reporting",
            [
                "AMQP", "IOThread", "Messaging", "Postgres", "Spool", "Store", "Telemetry", "WorkOrders", logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        shared(
            "Operations",
            [
                "Postgres", "Settings", "Store", "WorkOrders", .product(name: "Crypto", package: "swift-crypto"),
            ]),
        // The one place that links Hummingbird.
        shared(
            "Probes",
            [
                "Telemetry", logging, .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .target(
            name: "Publisher",
            dependencies: [
                "AMQP", "IOThread", "Messaging", "Postgres", "Reporting", "Spool", "Store", "WorkOrders", logging,
            ], swiftSettings: strict),
        .target(
            name: "Worker",
            dependencies: [
                "AMQP", "CZlib", "IOThread", "Messaging", "Postgres", "Publisher", "Reporting", "Store", "Telemetry",
                "WorkOrders",
                logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: strict),
        .target(
            name: "ClientManager",
            dependencies: [
                "AMQP", "IOThread", "Messaging", "Postgres", "Publisher", "Reporting", "Sentinel", "Store", "Telemetry",
                "WorkOrders", logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ], swiftSettings: strict),
        .target(
            name: "Sentinel",
            dependencies: [
                "Postgres", "Reporting", "Store", "Telemetry", "WorkOrders", logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: strict),
        .target(
            name: "MissionControl",
            dependencies: [
                "Probes", "Sentinel", .product(name: "HTTPTypes", package: "swift-http-types"),
            ], swiftSettings: strict),
        // What only `moose bench ledger` uses.
        .target(
            name: "LedgerClient",
            dependencies: [
                "IOThread", "Postgres", "WorkOrders", logging,
                .product(name: "DequeModule", package: "swift-collections"),
            ], path: "Sources/Bench/LedgerClient", swiftSettings: strict),
        .executableTarget(
            name: "Moose",
            dependencies: [
                "AMQP", "CLinux", "ClientManager", "IOThread", "LedgerClient", "Messaging", "MissionControl",
                "Operations",
                "Postgres", "Probes", "Publisher",
                "Reporting", "Sentinel", "Settings",
                "Spool", "Stack", "Store", "Telemetry", "Worker", "WorkOrders", argumentParser, logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: strict),
        .target(name: "TestSupport", dependencies: ["Stack"], path: "Tests/Support", swiftSettings: strict),
        .target(
            name: "DatabaseSupport", dependencies: ["Postgres", "Store", "TestSupport"], path: "Tests/DatabaseSupport",
            swiftSettings: strict),
        tests("WorkOrders", ["WorkOrders"]),
        tests("Settings", ["Settings"]),
        tests("Telemetry", ["Telemetry", logging, .product(name: "CoreMetrics", package: "swift-metrics")]),
        tests("AMQP", ["AMQP", "IOThread", "Stack", logging, .product(name: "Crypto", package: "swift-crypto")]),
        tests("Postgres", ["DatabaseSupport", "IOThread", "Postgres", logging]),
        tests("Messaging", ["AMQP", "Messaging", "Spool", "WorkOrders", "Yams"]),
        tests("Spool", ["Spool"]),
        tests(
            "Reporting",
            [
                "AMQP", "ClientManager", "DatabaseSupport", "Messaging", "Postgres", "Publisher", "Reporting", "Spool",
                "Stack", "Store", "WorkOrders", logging,
            ]),
        tests("Stack", ["Stack"]),
        tests(
            "Probes",
            [
                "Probes", "Telemetry", logging, .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        tests(
            "Store",
            [
                "DatabaseSupport", "Postgres", "Stack", "Store", "WorkOrders",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], exclude: ["Schema/engine-calls.txt"]),
        tests("Ledger", ["DatabaseSupport", "Postgres", "WorkOrders"]),
        tests("LedgerClient", ["DatabaseSupport", "LedgerClient", "Postgres", "WorkOrders", logging]),
        tests(
            "Moose",
            [
                "AMQP", "DatabaseSupport", "Messaging", "Moose", "Operations", "Postgres", "Probes", "Settings",
                "Store", "Worker", "WorkOrders", argumentParser,
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        tests(
            "Worker",
            [
                "AMQP", "ClientManager", "DatabaseSupport", "IOThread", "Messaging", "Postgres", "Publisher",
                "Reporting", "Sentinel", "Stack", "Store", "Worker", "WorkOrders", logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        tests(
            "Sentinel",
            [
                "DatabaseSupport", "MissionControl", "Postgres", "Probes", "Reporting", "Sentinel", "Store",
                "Telemetry", "WorkOrders", logging, .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        tests(
            "ClientManager",
            [
                "AMQP", "ClientManager", "DatabaseSupport", "Messaging", "Postgres", "Publisher", "Store", "WorkOrders",
                logging,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
