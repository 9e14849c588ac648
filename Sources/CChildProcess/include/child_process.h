// SPDX-License-Identifier: Apache-2.0

#ifndef HAMMURABI_CHILD_PROCESS_H
#define HAMMURABI_CHILD_PROCESS_H

#include <sys/types.h>

/// Starts a program in a process group of its own, with /dev/null as its standard input, that is killed when the calling *thread* ends.
///
/// `protocol` becomes descriptor 3 (-1 for none), `output` and `errors` become 1 and 2; all others are closed. The program can gain no
/// privileges, has no blocked signals and the default action for each. `address_space` limits its memory in bytes; 0 for no limit.
/// Returns the process id; -1 with errno when it does not start, the reasons of execve included.
pid_t hammurabi_spawn(
    const char *path,
    char *const arguments[],
    char *const environment[],
    int protocol,
    int output,
    int errors,
    unsigned long address_space);

/// pipe2 with O_CLOEXEC, which the Swift module of the C library does not have.
int hammurabi_pipe(int ends[2]);

#endif
