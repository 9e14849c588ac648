// SPDX-License-Identifier: Apache-2.0

#include "CEmbedded.h"

// #embed is C23, and clang has it in every language mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char guide[] = {
#embed "../PluginProcesses/README.md"
};
static const unsigned char python[] = {
#embed "../../Plugins/Examples/Python/hammurabi_plugin.py"
};
static const unsigned char header[] = {
#embed "../../Plugins/Examples/C/hammurabi_plugin.h"
};

const unsigned char *hammurabi_plugin_guide(void) { return guide; }
size_t hammurabi_plugin_guide_length(void) { return sizeof guide; }
const unsigned char *hammurabi_plugin_python(void) { return python; }
size_t hammurabi_plugin_python_length(void) { return sizeof python; }
const unsigned char *hammurabi_plugin_header(void) { return header; }
size_t hammurabi_plugin_header_length(void) { return sizeof header; }
