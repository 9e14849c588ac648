// SPDX-License-Identifier: Apache-2.0

/// The three kinds of OTLP data; each has its own request message, path and store.
public enum Signal: String, Sendable, Hashable, CaseIterable, Codable {
    case traces, logs, metrics
}
