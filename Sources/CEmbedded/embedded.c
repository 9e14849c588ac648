// SPDX-License-Identifier: Apache-2.0

#include "CEmbedded.h"

// #embed is C23, and clang has it in every language mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

// Defines the two functions of a file whose bytes are in name##_bytes, ended by a zero.
#define HAMMURABI_DEFINE(name)                                                        \
    const unsigned char *hammurabi_##name(void) { return name##_bytes; }              \
    size_t hammurabi_##name##_length(void) { return sizeof name##_bytes - 1; }

static const unsigned char prices_bytes[] = {
#embed "prices.tsv" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(prices)

static const unsigned char schema_1_bytes[] = {
#embed "schema/1.sql" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(schema_1)

static const unsigned char default_config_bytes[] = {
#embed "../../config.yaml" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(default_config)

static const unsigned char openapi_bytes[] = {
#embed "openapi.json" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(openapi)

static const unsigned char operations_bytes[] = {
#embed "../../.github/OPERATIONS.md" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(operations)

static const unsigned char accuracy_bytes[] = {
#embed "../Usage/Usage.docc/OneCallOnce.md" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(accuracy)

static const unsigned char system_unit_bytes[] = {
#embed "../../.ci/packaging/hammurabi.service" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(system_unit)

static const unsigned char system_config_bytes[] = {
#embed "../../.ci/packaging/config.yaml" suffix(, 0) if_empty(0)
};
HAMMURABI_DEFINE(system_config)
