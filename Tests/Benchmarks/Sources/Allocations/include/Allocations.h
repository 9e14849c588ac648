// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdint.h>

/// How many blocks the program has allocated since it began, in all threads.
uint64_t allocations_count(void);
