pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "tauri-plugin-card-reader"

// Tauri copies its Android API here when it builds the app.
include(":tauri-android")
project(":tauri-android").projectDir = file("./.tauri/tauri-api")
