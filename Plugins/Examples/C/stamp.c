/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A processor that sets one attribute of every record, and leaves records out whose attribute "hub.drop" is "yes".
 *
 *     cc -O2 -o stamp stamp.c
 */

#include "hammurabi_plugin.h"

typedef struct {
    char key[256], value[1024];
} stamp;

static const char description[] =
    "{\"protocol\":[1,1],\"name\":\"stamp\",\"version\":\"0.1\",\"components\":[{\"kind\":\"processor\",\"type\":\"stamp\","
    "\"summary\":\"sets one attribute of every record\",\"signals\":[\"traces\",\"logs\",\"metrics\"],\"max_in_flight\":4,"
    "\"schema\":{\"type\":\"object\",\"required\":[\"key\",\"value\"],\"additionalProperties\":false,\"properties\":{"
    "\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"description\":\"the attribute\"},"
    "\"value\":{\"type\":\"string\",\"maxLength\":1000,\"description\":\"what it is set to\"}}}}]}";

static int open_stamp(void *state, const char *type, const char *config, const char *state_dir, char error[256])
{
    (void)type;
    (void)state_dir;
    stamp *own = state;
    if (hub_config_text(config, "key", own->key, sizeof own->key) && hub_config_text(config, "value", own->value, sizeof own->value))
        return 0;
    snprintf(error, 256, "key and value are texts");
    return -1;
}

static int process(void *state, const hub_batch *batch, hub_answer *answer)
{
    const stamp *own = state;
    hub_record record = {0};
    while (hub_next(batch, &record)) {
        hub_bytes text;
        if (hub_text(batch, &record, HUB_RECORD, "hub.drop", &text) && text.size == 3 && memcmp(text.bytes, "yes", 3) == 0)
            hub_drop(answer, record.number);
        else
            hub_set_text(answer, HUB_RECORD, record.number, own->key, own->value);
    }
    return HUB_OK;
}

int main(int argc, char **argv)
{
    stamp own = {0};
    hub_plugin plugin = {.description = description, .open = open_stamp, .take = process, .state = &own};
    return hub_run(argc, argv, &plugin);
}
