// SPDX-License-Identifier: Apache-2.0

// The configuration of a component uses the value types of YAML (durations, sizes, paths, secrets), so that importing CollectorKit
// is enough to write a component.
@_exported public import YAML
