// SPDX-License-Identifier: Apache-2.0

#include "CEmbedded.h"

// #embed is C23, and clang has it in every language mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char receiver_agent_sessions[] = {
#embed "../../Plugins/Receivers/AgentSessions/README.md"
};
static const unsigned char receiver_events[] = {
#embed "../../Plugins/Receivers/Events/README.md"
};
static const unsigned char receiver_otlp[] = {
#embed "../../Plugins/Receivers/OTLP/README.md"
};
static const unsigned char processor_attributes[] = {
#embed "../../Plugins/Processors/Attributes/README.md"
};
static const unsigned char processor_filter[] = {
#embed "../../Plugins/Processors/Filter/README.md"
};
static const unsigned char processor_pricing[] = {
#embed "../../Plugins/Processors/Pricing/README.md"
};
static const unsigned char processor_redaction[] = {
#embed "../../Plugins/Processors/Redaction/README.md"
};
static const unsigned char processor_resource[] = {
#embed "../../Plugins/Processors/Resource/README.md"
};
static const unsigned char processor_retention[] = {
#embed "../../Plugins/Processors/Retention/README.md"
};
static const unsigned char processor_tokens[] = {
#embed "../../Plugins/Processors/Tokens/README.md"
};
static const unsigned char exporter_clickhouse[] = {
#embed "../../Plugins/Exporters/ClickHouse/README.md"
};
static const unsigned char exporter_jsonl[] = {
#embed "../../Plugins/Exporters/JSONL/README.md"
};
static const unsigned char exporter_otlp_http[] = {
#embed "../../Plugins/Exporters/OTLPHTTP/README.md"
};
static const unsigned char exporter_postgresql[] = {
#embed "../../Plugins/Exporters/PostgreSQL/README.md"
};
static const unsigned char exporter_sqlite[] = {
#embed "../../Plugins/Exporters/SQLite/README.md"
};
static const unsigned char exporter_stdout[] = {
#embed "../../Plugins/Exporters/Stdout/README.md"
};
static const unsigned char connector_usage_metrics[] = {
#embed "../../Plugins/Connectors/UsageMetrics/README.md"
};
static const unsigned char extension_api_keys[] = {
#embed "../../Plugins/Extensions/APIKeys/README.md"
};
static const unsigned char extension_basicauth[] = {
#embed "../../Plugins/Extensions/BasicAuth/README.md"
};
static const unsigned char extension_bearertokenauth[] = {
#embed "../../Plugins/Extensions/BearerTokenAuth/README.md"
};
static const unsigned char extension_oauth2client[] = {
#embed "../../Plugins/Extensions/OAuth2Client/README.md"
};
static const unsigned char extension_health_check[] = {
#embed "../../Plugins/Extensions/HealthCheck/README.md"
};
static const unsigned char extension_hub[] = {
#embed "../../Plugins/Extensions/Hub/README.md"
};

#define PAGE(kind, type) {#kind, #type, kind##_##type, sizeof kind##_##type}

static const hammurabi_component_page pages[] = {
    PAGE(receiver, agent_sessions),
    PAGE(receiver, events),
    PAGE(receiver, otlp),
    PAGE(processor, attributes),
    PAGE(processor, filter),
    PAGE(processor, pricing),
    PAGE(processor, redaction),
    PAGE(processor, resource),
    PAGE(processor, retention),
    PAGE(processor, tokens),
    PAGE(exporter, clickhouse),
    PAGE(exporter, jsonl),
    PAGE(exporter, otlp_http),
    PAGE(exporter, postgresql),
    PAGE(exporter, sqlite),
    PAGE(exporter, stdout),
    PAGE(connector, usage_metrics),
    PAGE(extension, api_keys),
    PAGE(extension, basicauth),
    PAGE(extension, bearertokenauth),
    PAGE(extension, oauth2client),
    PAGE(extension, health_check),
    PAGE(extension, hub),
};

const hammurabi_component_page *hammurabi_component_pages(void) { return pages; }
size_t hammurabi_component_page_count(void) { return sizeof pages / sizeof pages[0]; }
