// SPDX-License-Identifier: Apache-2.0

#ifndef HAMMURABI_CEMBEDDED_H
#define HAMMURABI_CEMBEDDED_H

#include <stddef.h>

// Files that are compiled into the program. Each has two functions: where its bytes begin, and how many they are.
// The bytes are constant and live as long as the process; a zero that does not count follows them.
//
// To add a file: put it beside embedded.c, declare it here, and embed it there; one line each.
#define HAMMURABI_DECLARE(name)                                 \
    const unsigned char *_Nonnull hammurabi_##name(void);       \
    size_t hammurabi_##name##_length(void);

HAMMURABI_DECLARE(prices)
HAMMURABI_DECLARE(schema_1)
HAMMURABI_DECLARE(default_config)
HAMMURABI_DECLARE(openapi)

// Pages of the documentation that people read in the repository, in the dashboard and with `hammurabi help`.
HAMMURABI_DECLARE(operations)
HAMMURABI_DECLARE(accuracy)

// The unit and the configuration of the Debian package, which `hammurabi onboard --service --system` installs, too.
HAMMURABI_DECLARE(system_unit)
HAMMURABI_DECLARE(system_config)

// The guide for authors of plugins, and the libraries that a new plugin begins with; they are named in plugins.c.
HAMMURABI_DECLARE(plugin_guide)
HAMMURABI_DECLARE(plugin_python)
HAMMURABI_DECLARE(plugin_header)

#undef HAMMURABI_DECLARE

// A file of the dashboard, from the folder web.
typedef struct {
    const char *_Nonnull path;        // from that folder, such as "app.css"
    const char *_Nonnull media_type;  // what it is, for Content-Type
    const unsigned char *_Nonnull bytes;
    size_t length;
} hammurabi_web_file;

// All files of the dashboard; to add one, put it into the folder web and name it twice in web.c.
const hammurabi_web_file *_Nonnull hammurabi_web_files(void);
size_t hammurabi_web_file_count(void);

// The README of a built-in component, from its folder under Plugins.
typedef struct {
    const char *_Nonnull kind;  // receiver, processor, exporter or extension
    const char *_Nonnull type;  // the type in a configuration, such as "otlp"
    const unsigned char *_Nonnull bytes;  // Markdown in UTF-8
    size_t length;
} hammurabi_component_page;

// One page for each built-in component; to add one, name its README.md twice in components.c.
const hammurabi_component_page *_Nonnull hammurabi_component_pages(void);
size_t hammurabi_component_page_count(void);

#endif
