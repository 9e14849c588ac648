// SPDX-License-Identifier: Apache-2.0

import TelemetryHub

await TelemetryHub.main(adding: [.ledgerCSV])
