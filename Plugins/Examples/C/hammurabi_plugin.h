/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plugins for Telemetry Hub in C: copy this file beside your program and include it once. Linux, C11, nothing but the C library.
 *
 *     static int process(void *state, const hub_batch *batch, hub_answer *answer) {
 *         hub_record record = {0};
 *         while (hub_next(batch, &record)) hub_set_text(answer, HUB_RECORD, record.number, "team", "red");
 *         return HUB_OK;
 *     }
 *     int main(int argc, char **argv) {
 *         hub_plugin plugin = {.description = "{...}", .take = process};
 *         return hub_run(argc, argv, &plugin);
 *     }
 *
 * The protocol is explained by `hammurabi plugins guide`.
 */

#ifndef HAMMURABI_PLUGIN_H
#define HAMMURABI_PLUGIN_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HUB_TRACES = 1, HUB_METRICS = 2, HUB_LOGS = 3 };
enum { HUB_OK = 0, HUB_RETRY = 1, HUB_REFUSED = 2 };
enum hub_owner { HUB_RECORD = 0, HUB_SCOPE = 1, HUB_RESOURCE = 2 };

/* Bytes of a message; not ended by zero. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
} hub_bytes;

/* A request of OTLP in protobuf. */
typedef struct {
    int signal;
    hub_bytes otlp;
    /* One JSON object a line, when the plugin wants calls. */
    hub_bytes calls;
} hub_batch;

/* A record and where it is; zero it before the first hub_next. */
typedef struct {
    uint32_t number;
    hub_bytes message, scope, resource, metric;
    /* For hub_next. */
    bool begun;
    hub_bytes groups, scopes, items, points;
    uint32_t point_field;
} hub_record;

/* What is answered: changes for a processor, a reason for HUB_RETRY and HUB_REFUSED. */
typedef struct {
    uint8_t *bytes;
    size_t size, room;
    bool failed;
    char reason[256];
    uint32_t retry_milliseconds;
} hub_answer;

typedef struct {
    /* What --describe prints: see the guide. */
    const char *description;
    /* Called once with the configuration as JSON; 0, or -1 with what is wrong in error. May be NULL. */
    int (*open)(void *state, const char *type, const char *config, const char *state_dir, char error[256]);
    /* Called for each batch; returns HUB_OK, HUB_RETRY or HUB_REFUSED. */
    int (*take)(void *state, const hub_batch *batch, hub_answer *answer);
    void *state;
} hub_plugin;

/* -- Protobuf -- */

static inline bool hub_varint(hub_bytes *rest, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64 && rest->size > 0; shift += 7) {
        uint8_t byte = *rest->bytes++;
        rest->size--;
        *number |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

/* The next field of a message; value is its bytes, for a varint its number too. False at the end, and for what is no protobuf. */
static inline bool hub_field(hub_bytes *rest, uint32_t *field, int *kind, hub_bytes *value, uint64_t *number)
{
    uint64_t tag;
    if (rest->size == 0 || !hub_varint(rest, &tag)) return false;
    *field = (uint32_t)(tag >> 3);
    *kind = (int)(tag & 7);
    *number = 0;
    uint64_t size = 0;
    switch (*kind) {
    case 0: *value = *rest; return hub_varint(rest, number);
    case 1: size = 8; break;
    case 2: if (!hub_varint(rest, &size)) return false; break;
    case 5: size = 4; break;
    default: return false;
    }
    if (size > rest->size) return false;
    *value = (hub_bytes){rest->bytes, (size_t)size};
    rest->bytes += size;
    rest->size -= (size_t)size;
    return true;
}

/* The next embedded message of a field. */
static inline bool hub_child(hub_bytes *rest, uint32_t wanted, hub_bytes *child)
{
    uint32_t field;
    int kind;
    uint64_t number;
    while (hub_field(rest, &field, &kind, child, &number))
        if (field == wanted && kind == 2) return true;
    return false;
}

static inline hub_bytes hub_first(hub_bytes message, uint32_t wanted)
{
    hub_bytes child;
    return hub_child(&message, wanted, &child) ? child : (hub_bytes){0};
}

/* -- Records -- */

static inline bool hub_next_point(hub_record *record)
{
    while (true) {
        if (record->point_field != 0 && hub_child(&record->points, 1, &record->message)) return true;
        record->point_field = 0;
        uint32_t field;
        int kind;
        uint64_t number;
        hub_bytes value;
        static const uint8_t attributes[12] = {[5] = 7, [7] = 7, [9] = 9, [10] = 1, [11] = 7};
        bool found = false;
        /* The data of a metric is one of its fields; its rest is kept in the metric itself. */
        while (hub_field(&record->items, &field, &kind, &value, &number))
            if (kind == 2 && field < 12 && attributes[field] != 0) {
                record->points = value;
                record->point_field = attributes[field];
                found = true;
                break;
            }
        if (!found) return false;
    }
}

/* The next record in the order of its number; false at the end. */
static inline bool hub_next(const hub_batch *batch, hub_record *record)
{
    if (!record->begun) {
        record->begun = true;
        record->groups = batch->otlp;
        record->number = UINT32_MAX;
    }
    hub_bytes *lists = batch->signal == HUB_METRICS ? &record->metric : &record->items;
    /* For metrics, `metric` is the rest of the scope and `items` the rest of the metric. */
    while (true) {
        if (batch->signal == HUB_METRICS) {
            if (hub_next_point(record)) break;
            if (hub_child(lists, 2, &record->items)) continue;
        } else if (hub_child(lists, 2, &record->message)) {
            break;
        }
        hub_bytes scope;
        if (hub_child(&record->scopes, 2, &scope)) {
            record->scope = hub_first(scope, 1);
            *lists = scope;
            continue;
        }
        hub_bytes group;
        if (!hub_child(&record->groups, 1, &group)) return false;
        record->resource = hub_first(group, 1);
        record->scopes = group;
    }
    record->number++;
    return true;
}

/* The text of an attribute of a record, its scope or its resource; false when it has none. */
static inline bool hub_text(const hub_batch *batch, const hub_record *record, enum hub_owner owner, const char *key, hub_bytes *text)
{
    hub_bytes message = owner == HUB_RECORD ? record->message : owner == HUB_SCOPE ? record->scope : record->resource;
    uint32_t field = owner == HUB_SCOPE ? 3 : 1;
    if (owner == HUB_RECORD)
        field = batch->signal == HUB_TRACES ? 9 : batch->signal == HUB_LOGS ? 6 : record->point_field;
    hub_bytes attribute;
    bool found = false;
    while (hub_child(&message, field, &attribute)) {
        hub_bytes name = hub_first(attribute, 1), value = hub_first(attribute, 2), string;
        if (name.size != strlen(key) || memcmp(name.bytes, key, name.size) != 0) continue;
        if (hub_child(&value, 1, &string)) {
            *text = string;
            found = true;
        }
    }
    return found;
}

/* -- Answers -- */

static inline void hub_append(hub_answer *answer, const void *bytes, size_t size)
{
    if (answer->failed) return;
    if (answer->size + size > answer->room) {
        size_t room = (answer->size + size) * 2;
        uint8_t *grown = realloc(answer->bytes, room);
        if (grown == NULL) {
            answer->failed = true;
            return;
        }
        answer->bytes = grown;
        answer->room = room;
    }
    memcpy(answer->bytes + answer->size, bytes, size);
    answer->size += size;
}

static inline void hub_put(uint8_t *place, uint64_t number, int size)
{
    for (int index = 0; index < size; index++) place[index] = (uint8_t)(number >> (8 * index));
}

static inline void hub_change(hub_answer *answer, uint8_t operation, uint8_t owner, uint32_t record, const char *key, const void *value,
                       size_t size)
{
    uint8_t head[12] = {operation, owner};
    size_t name = strlen(key);
    hub_put(head + 2, name, 2);
    hub_put(head + 4, record, 4);
    hub_put(head + 8, size, 4);
    hub_append(answer, head, sizeof head);
    hub_append(answer, key, name);
    hub_append(answer, value, size);
}

/* Leaves a record out. */
static inline void hub_drop(hub_answer *answer, uint32_t record) { hub_change(answer, 1, 0, record, "", "", 0); }

/* Removes an attribute. */
static inline void hub_unset(hub_answer *answer, enum hub_owner owner, uint32_t record, const char *key)
{
    hub_change(answer, 3, (uint8_t)owner, record, key, "", 0);
}

static inline void hub_change_text(hub_answer *answer, uint8_t operation, uint8_t owner, uint32_t record, const char *key, const char *text)
{
    size_t size = strlen(text), prefix = 1;
    if (size > 65536) size = 65536;
    uint8_t *value = malloc(size + 4);
    if (value == NULL) {
        answer->failed = true;
        return;
    }
    value[0] = 0x0A;
    for (size_t rest = size; ; rest >>= 7) {
        value[prefix++] = (uint8_t)(rest > 0x7F ? (rest & 0x7F) | 0x80 : rest);
        if (rest <= 0x7F) break;
    }
    memcpy(value + prefix, text, size);
    hub_change(answer, operation, owner, record, key, value, prefix + size);
    free(value);
}

/* Sets an attribute to a text of at most 64 KiB. */
static inline void hub_set_text(hub_answer *answer, enum hub_owner owner, uint32_t record, const char *key, const char *text)
{
    hub_change_text(answer, 2, (uint8_t)owner, record, key, text);
}

/* Gives the calls of a record a "user", "project" or "machine" where they have none; of use behind `tokens`. */
static inline void hub_label(hub_answer *answer, uint32_t record, const char *key, const char *text)
{
    hub_change_text(answer, 4, HUB_RECORD, record, key, text);
}

/* -- Configuration -- */

/* A text at the top of a JSON object, with the escapes of quotes, backslashes and slashes; false when it is not there or does not fit. */
static inline bool hub_config_text(const char *config, const char *key, char *text, size_t room)
{
    int depth = 0;
    bool matches = false;
    for (const char *at = config; *at != 0; at++) {
        if (*at == '{' || *at == '[') depth++;
        if (*at == '}' || *at == ']') depth--;
        if (*at != '"') continue;
        char word[1024];
        size_t size = 0;
        for (at++; *at != 0 && *at != '"'; at++) {
            if (*at == '\\' && at[1] != 0) at++;
            if (size + 1 < sizeof word) word[size++] = *at;
        }
        word[size] = 0;
        if (*at == 0) return false;
        const char *next = at + 1;
        while (*next == ' ') next++;
        bool is_key = *next == ':';
        if (!is_key && matches && depth == 1) {
            if (size + 1 > room) return false;
            memcpy(text, word, size + 1);
            return true;
        }
        matches = is_key && depth == 1 && strcmp(word, key) == 0;
    }
    return false;
}

/* -- The connection -- */

static inline bool hub_read(void *place, size_t size)
{
    uint8_t *at = place;
    while (size > 0) {
        ssize_t count = read(3, at, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

static inline bool hub_write(const void *place, size_t size)
{
    const uint8_t *at = place;
    while (size > 0) {
        ssize_t count = write(3, at, size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

static inline bool hub_send(uint8_t kind, const uint8_t id[8], const void *payload, size_t size)
{
    uint8_t head[16] = {0};
    hub_put(head, size, 4);
    head[4] = kind;
    if (id != NULL) memcpy(head + 8, id, 8);
    return hub_write(head, sizeof head) && hub_write(payload, size);
}

static inline bool hub_result(const hub_plugin *plugin, const uint8_t id[8], uint8_t *payload, size_t size)
{
    hub_batch batch = {.signal = payload[0], .otlp = {payload + 4, size - 4}};
    if (payload[1] & 1 && size >= 8) {
        uint32_t calls = payload[4] | (uint32_t)payload[5] << 8 | (uint32_t)payload[6] << 16 | (uint32_t)payload[7] << 24;
        if (calls > size - 8) return false;
        batch.calls = (hub_bytes){payload + 8, calls};
        batch.otlp = (hub_bytes){payload + 8 + calls, size - 8 - calls};
    }
    hub_answer answer = {.retry_milliseconds = 1000};
    uint8_t head[8] = {0};
    hub_append(&answer, head, sizeof head);
    int outcome = plugin->take(plugin->state, &batch, &answer);
    if (answer.failed) outcome = HUB_RETRY;
    if (outcome != HUB_OK) {
        answer.size = sizeof head;
        hub_append(&answer, answer.reason, strlen(answer.reason));
        if (outcome == HUB_RETRY && answer.bytes != NULL) hub_put(answer.bytes + 4, answer.retry_milliseconds, 4);
    }
    bool sent = false;
    if (answer.bytes != NULL) {
        answer.bytes[0] = (uint8_t)outcome;
        answer.bytes[1] = outcome == HUB_OK && answer.size > sizeof head ? 1 : 0;
        sent = hub_send(6, id, answer.bytes, answer.size);
    }
    free(answer.bytes);
    return sent;
}

static inline bool hub_open(const hub_plugin *plugin, const char *opening)
{
    char type[64] = "", state_dir[4096] = "", error[256] = "";
    hub_config_text(opening, "type", type, sizeof type);
    hub_config_text(opening, "state_dir", state_dir, sizeof state_dir);
    /* The configuration is the last member. */
    const char *config = strstr(opening, "\"config\":");
    config = config == NULL ? "{}" : config + strlen("\"config\":");
    if (plugin->open == NULL || plugin->open(plugin->state, type, config, state_dir, error) == 0) return hub_send(3, NULL, "", 0);
    char fault[600] = "{\"message\":\"";
    size_t size = strlen(fault);
    for (const char *at = error; *at != 0 && size < sizeof fault - 4; at++) {
        if (*at == '"' || *at == '\\') fault[size++] = '\\';
        fault[size++] = *at < ' ' ? ' ' : *at;
    }
    memcpy(fault + size, "\"}", 2);
    hub_send(4, NULL, fault, size + 2);
    return false;
}

/* Runs the program as a plugin; returns its exit code. */
static inline int hub_run(int argc, char **argv, const hub_plugin *plugin)
{
    for (int index = 1; index < argc; index++)
        if (strcmp(argv[index], "--describe") == 0) return puts(plugin->description) < 0 ? 1 : 0;
    const char *cookie = getenv("HAMMURABI_PLUGIN");
    if (cookie == NULL || strcmp(cookie, "1") != 0) {
        printf("%s is a plugin of Telemetry Hub: try it with hammurabi plugins check %s\n", argv[0], argv[0]);
        return 64;
    }
    uint8_t head[16];
    uint8_t *payload = NULL;
    size_t room = 0;
    int code = 0;
    while (hub_read(head, sizeof head)) {
        size_t size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        if (size + 1 > room) {
            free(payload);
            room = size + 1;
            payload = malloc(room);
            if (payload == NULL) return 71;
        }
        if (!hub_read(payload, size)) break;
        payload[size] = 0;
        bool goes_on = true;
        switch (head[4]) {
        case 1: goes_on = hub_send(1, NULL, plugin->description, strlen(plugin->description)); break;
        case 2: goes_on = hub_open(plugin, (const char *)payload); break;
        case 5: goes_on = size >= 4 && hub_result(plugin, head + 8, payload, size); break;
        case 9: goes_on = hub_send(10, head + 8, "", 0); break;
        case 11:
            hub_send(12, NULL, "", 0);
            goes_on = false;
            break;
        default: goes_on = (head[5] & 1) != 0; break;
        }
        if (!goes_on) {
            code = head[4] == 11 ? 0 : 70;
            break;
        }
    }
    free(payload);
    return code;
}

#endif
