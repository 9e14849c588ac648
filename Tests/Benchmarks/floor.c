// SPDX-License-Identifier: Apache-2.0
//
// The least that a durable OTLP/HTTP receiver can do: it reads requests, appends twice their bytes to a file (what JSON lines take),
// flushes once for all requests that were ready together, and answers. It looks at nothing. The benchmarks compare with it.
//
//   cc -O2 -o floor floor.c && ./floor PORT FILE

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, EVENTS = 64 };

struct connection {
    int socket;
    char *bytes;
    size_t count, room;
    // Requests of this round that are answered after the flush.
    int answers;
};

static struct connection *connections[CONNECTIONS];
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void end(int epoll, int place) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, connections[place]->socket, NULL);
    close(connections[place]->socket);
    free(connections[place]->bytes);
    free(connections[place]);
    connections[place] = NULL;
}

static void begin(int epoll, int listener) {
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), place = 0;
    if (socket < 0) return;
    while (place < CONNECTIONS && connections[place]) place++;
    if (place == CONNECTIONS) {
        close(socket);
        return;
    }
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[place] = calloc(1, sizeof(struct connection));
    connections[place]->socket = socket;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = place + 1};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)) fail("epoll_ctl");
}

// Reads what is there; 0 at the end of the connection.
static int receive(struct connection *self) {
    for (;;) {
        if (self->room - self->count < 65536) {
            self->room = self->room ? self->room * 2 : 1 << 18;
            if (!(self->bytes = realloc(self->bytes, self->room))) fail("realloc");
        }
        ssize_t got = read(self->socket, self->bytes + self->count, self->room - self->count);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0) return 0;
        self->count += got;
    }
}

// Appends the bodies of the whole requests that have arrived, twice each.
static void append(struct connection *self, int file) {
    size_t start = 0;
    for (;;) {
        char *head = self->bytes + start;
        char *body = memmem(head, self->count - start, "\r\n\r\n", 4);
        if (!body) break;
        *body = 0;
        char *length = strcasestr(head, "\r\ncontent-length:");
        *body = '\r';
        size_t size = length ? strtoul(length + 17, NULL, 10) : 0;
        body += 4;
        if ((size_t)(self->bytes + self->count - body) < size) break;
        if (size) {
            struct iovec twice[2] = {{body, size}, {body, size}};
            if (writev(file, twice, 2) != (ssize_t)(2 * size)) fail("writev");
        }
        self->answers++;
        start = body + size - self->bytes;
    }
    memmove(self->bytes, self->bytes + start, self->count - start);
    self->count -= start;
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: floor PORT FILE\n"), 64;
    int file = open(arguments[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, epoll = epoll_create1(EPOLL_CLOEXEC);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (file < 0 || epoll < 0) fail("open");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) fail("bind");
    struct epoll_event first = {.events = EPOLLIN}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &first);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1), answered = 0;
        for (int event = 0; event < ready; event++) {
            int place = (int)events[event].data.u32 - 1;
            if (place < 0) {
                begin(epoll, listener);
                continue;
            }
            if (!receive(connections[place])) {
                end(epoll, place);
                continue;
            }
            append(connections[place], file);
            answered += connections[place]->answers;
        }
        if (!answered) continue;
        if (fdatasync(file)) fail("fdatasync");
        for (int event = 0; event < ready; event++) {
            int place = (int)events[event].data.u32 - 1;
            for (; place >= 0 && connections[place] && connections[place]->answers; connections[place]->answers--)
                if (write(connections[place]->socket, answer, sizeof answer - 1) < 0) break;
        }
    }
}
