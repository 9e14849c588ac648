// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import CollectorKit

/// A file of the dashboard, as it is compiled into the program.
struct DashboardFile: Sendable {
    /// The path from the folder of the dashboard, such as `app.css`.
    let path: String
    /// What it is, for `Content-Type`.
    let mediaType: String
    /// Its content.
    let bytes: [UInt8]
    /// A strong validator: it changes with the content.
    let entityTag: String

    init(path: String, mediaType: String, bytes: [UInt8]) {
        self.path = path
        self.mediaType = mediaType
        self.bytes = bytes
        entityTag = "\"" + SHA256.hex(SHA256.digest(bytes).prefix(12)) + "\""
    }

    /// Where it is served: the page itself at the root, everything else below `/assets`.
    var route: String { path == "index.html" ? "/" : "/assets/" + path }

    /// All files of the dashboard.
    static let all: [DashboardFile] = UnsafeBufferPointer(
        start: hammurabi_web_files(),
        count: hammurabi_web_file_count()
    )
    .map { file in
        DashboardFile(
            path: String(cString: file.path),
            mediaType: String(cString: file.media_type),
            bytes: Array(UnsafeBufferPointer(start: file.bytes, count: file.length))
        )
    }
}
