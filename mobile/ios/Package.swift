// swift-tools-version:5.9

import PackageDescription

let package = Package(
  name: "tauri-plugin-card-reader",
  platforms: [
    .macOS(.v10_13),
    .iOS(.v15),
  ],
  products: [
    .library(name: "tauri-plugin-card-reader", type: .static, targets: ["tauri-plugin-card-reader"])
  ],
  dependencies: [
    // Tauri copies its Swift API here when it builds the app.
    .package(name: "Tauri", path: "../.tauri/tauri-api")
  ],
  targets: [
    .target(
      name: "tauri-plugin-card-reader",
      dependencies: [.byName(name: "Tauri")],
      path: "Sources"),
    .testTarget(
      name: "CardReaderTests",
      dependencies: ["tauri-plugin-card-reader"],
      path: "Tests"),
  ]
)
