// SPDX-License-Identifier: Apache-2.0

// A component's configuration is written in the value types of YAML (durations, sizes, paths, secrets), so whoever writes a
// component has them with CollectorKit and imports nothing more.
@_exported public import YAML
