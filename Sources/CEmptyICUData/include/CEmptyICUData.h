// SPDX-License-Identifier: Apache-2.0

#ifndef HAMMURABI_EMPTY_ICU_DATA_H
#define HAMMURABI_EMPTY_ICU_DATA_H

// Nothing to call: the target exists for a symbol that the linker finds.

#endif
