// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "own-build",
    dependencies: [.package(name: "hammurabi", path: "../../..")],
    targets: [
        .executableTarget(
            name: "OwnBuild",
            dependencies: [
                .product(name: "CollectorKit", package: "hammurabi"),
                .product(name: "TelemetryHub", package: "hammurabi"),
            ]
        )
    ]
)
