// SPDX-License-Identifier: Apache-2.0

#include "CEmptyICUData.h"

#include <stdint.h>

// Foundation brings 34 MB of ICU's data for formats, calendars and languages, of which this program needs nothing: it reads time zones
// from the system and writes dates and numbers itself. A static link takes this empty table in place of the data, because the linker
// looks into the library of the data only for a symbol that is missing. In a dynamic link nothing refers to it.
//
// The form is that of ICU's common data (unicode/udata.h): a header, and a table of contents without entries. The name has the
// version of ICU in the toolchain; with another one the data is linked as usual.
struct empty_table {
    uint16_t header_size;
    uint8_t magic[2];
    uint16_t info_size;
    uint16_t reserved;
    uint8_t is_big_endian, charset, size_of_char, reserved_byte;
    uint8_t format[4], format_version[4], data_version[4];
    uint8_t padding[8];
    uint32_t count;
};

__attribute__((visibility("hidden"), aligned(16))) const struct empty_table icudt76_dat = {
    .header_size = 32,
    .magic = {0xda, 0x27},
    .info_size = 20,
    .is_big_endian = 0,
    .size_of_char = 2,
    .format = {'C', 'm', 'n', 'D'},
    .format_version = {1, 0, 0, 0},
    .data_version = {76, 0, 0, 0},
    .count = 0,
};
