// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE

#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

// Descriptors from here on are no targets of dup2 below.
enum { FIRST_FREE = 10 };

// Only calls that are safe between fork and exec in a program with threads.
static void run(
    pid_t parent, const char *path, char *const arguments[], char *const environment[],
    int protocol, int output, int errors, unsigned long address_space)
{
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
    // The parent may have ended before the line above.
    if (getppid() != parent) _exit(127);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    struct sigaction action = { .sa_handler = SIG_DFL };
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    int input = open("/dev/null", O_RDONLY);
    if (input < 0 || (input != 0 && dup2(input, 0) < 0)) return;
    if (dup2(output, 1) < 0 || dup2(errors, 2) < 0) return;
    if (protocol >= 0 ? dup2(protocol, 3) < 0 : (close(3), 0)) return;
    // Descriptors above the protocol are closed by exec; a kernel without close_range has them marked one by one.
    unsigned first = protocol >= 0 ? 4 : 3;
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 65536) limit.rlim_cur = 65536;
        for (int number = (int)first; number < (int)limit.rlim_cur; number++) fcntl(number, F_SETFD, FD_CLOEXEC);
    }
    if (address_space > 0) {
        struct rlimit limit = { address_space, address_space };
        if (setrlimit(RLIMIT_AS, &limit) != 0) return;
    }
    struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    execve(path, arguments, environment);
}

static int moved(int descriptor)
{
    return descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_FREE);
}

pid_t hammurabi_spawn(
    const char *path, char *const arguments[], char *const environment[],
    int protocol, int output, int errors, unsigned long address_space)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    int end = moved(report[1]);
    close(report[1]);
    int socket = moved(protocol), out = moved(output), err = moved(errors);
    pid_t child = -1;
    int number = 0;
    if (end < 0 || out < 0 || err < 0 || (protocol >= 0 && socket < 0)) {
        number = errno;
    } else {
        pid_t parent = getpid();
        child = fork();
        if (child == 0) {
            run(parent, path, arguments, environment, socket, out, err, address_space);
            number = errno;
            ssize_t written = write(end, &number, sizeof number);
            _exit(written == sizeof number ? 127 : 126);
        }
        if (child < 0) number = errno;
    }
    if (end >= 0) close(end);
    if (socket >= 0) close(socket);
    if (out >= 0) close(out);
    if (err >= 0) close(err);
    if (child > 0) {
        ssize_t count;
        do count = read(report[0], &number, sizeof number); while (count < 0 && errno == EINTR);
        if (count > 0) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
            child = -1;
        }
    }
    close(report[0]);
    if (child < 0) errno = number;
    return child;
}

int hammurabi_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
