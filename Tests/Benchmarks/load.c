// SPDX-License-Identifier: Apache-2.0
//
// Sends one request body again and again over some connections, each request with a number of its own, and prints how long the
// answers took. Every `########` of the body becomes the number of the request, eight hexadecimal digits; `#!#!` its four bytes.
//
//   cc -O2 -pthread -o load load.c && ./load PORT PATH CONTENT-TYPE FILE REQUESTS [CONNECTIONS] [FIRST NUMBER] [CONTENT-ENCODING]

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *path, *type, *encoding;
static char *body;
static size_t size, *places, place_count, *raw_places, raw_count, *times, time_count, *names, name_count;
static uint64_t time_start, time_step;
static int port, requests, first;
static double *seconds;
static atomic_int next, refused, broken;

static size_t *find(const char *mark, size_t *found) {
    size_t length = strlen(mark), *result = malloc(sizeof *result * (size / length + 1));
    for (char *at = body; (at = memmem(at, body + size - at, mark, length)); at += length) result[(*found)++] = at - body;
    return result;
}

// The places of `~0040~`.
static size_t *find_names(size_t *found) {
    size_t *all = find("~", found), count = 0;
    for (size_t place = 0; place < *found; place++)
        if (all[place] + 6 <= size && body[all[place] + 5] == '~' && strspn(body + all[place] + 1, "0123456789") == 4) all[count++] = all[place];
    *found = count;
    return all;
}

// Writes what is meant by the marks of the body for a request.
static void fill(char *own, uint32_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%08x", number);
    for (size_t place = 0; place < place_count; place++) memcpy(own + places[place], digits, 8);
    uint32_t raw = htonl(number);
    for (size_t place = 0; place < raw_count; place++) memcpy(own + raw_places[place], &raw, 4);
    for (size_t place = 0; place < name_count; place++) {
        uint32_t values = atoi(body + names[place] + 1);
        snprintf(digits, sizeof digits, "%06u", (uint32_t)((number * UINT64_C(2654435761) >> 16) % (values ? values : 1)));
        memcpy(own + names[place], digits, 6);
    }
    for (size_t place = 0; place < time_count; place++) {
        const char *mark = body + times[place] + 5;
        uint64_t seconds = 30 * ((mark[0] - '0') * 100 + (mark[1] - '0') * 10 + (mark[2] - '0'));
        uint64_t time = time_start + number * time_step + seconds * UINT64_C(1000000000);
        memcpy(own + times[place], &time, 8);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int open_connection(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int result = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(result, (struct sockaddr *)&address, sizeof address)) return close(result), -1;
    return result;
}

static int send_all(int socket, const char *bytes, size_t count) {
    while (count) {
        ssize_t sent = send(socket, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        bytes += sent;
        count -= sent;
    }
    return 1;
}

// Reads one answer; its status, or 0.
static int answer(int socket) {
    char bytes[65536];
    size_t count = 0;
    for (;;) {
        ssize_t got = recv(socket, bytes + count, sizeof bytes - 1 - count, 0);
        if (got <= 0 || count + got >= sizeof bytes - 1) return 0;
        count += got;
        bytes[count] = 0;
        char *end = strstr(bytes, "\r\n\r\n"), *length = strcasestr(bytes, "\r\ncontent-length:");
        if (!end) continue;
        size_t expected = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        if (count >= (size_t)(end + 4 - bytes) + expected) return atoi(bytes + 9);
    }
}

static void *send_requests(void *unused) {
    (void)unused;
    char head[1024], *own = malloc(size);
    memcpy(own, body, size);
    size_t head_size = snprintf(head, sizeof head,
                                "POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nContent-Type: %s\r\n%s%s%sContent-Length: %zu\r\n\r\n",
                                path, type, encoding ? "Content-Encoding: " : "", encoding ? encoding : "", encoding ? "\r\n" : "", size);
    int socket = open_connection(), number;
    while ((number = atomic_fetch_add(&next, 1)) < requests) {
        fill(own, first + number);
        double start = now();
        int status = socket >= 0 && send_all(socket, head, head_size) && send_all(socket, own, size) ? answer(socket) : 0;
        seconds[number] = now() - start;
        if (status >= 300) atomic_fetch_add(&refused, 1);
        if (status) continue;
        atomic_fetch_add(&broken, 1);
        if (socket >= 0) close(socket);
        socket = open_connection();
    }
    free(own);
    if (socket >= 0) close(socket);
    return NULL;
}

static int order(const void *left, const void *right) {
    return (*(const double *)left > *(const double *)right) - (*(const double *)left < *(const double *)right);
}

int main(int count, char **arguments) {
    if (count < 6) return fprintf(stderr, "usage: load PORT PATH CONTENT-TYPE FILE REQUESTS [CONNECTIONS] [FIRST] [ENCODING]\n"), 64;
    FILE *file = fopen(arguments[4], "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status)) return perror(arguments[4]), 66;
    size = status.st_size;
    body = malloc(size);
    if (fread(body, 1, size, file) != size) return perror(arguments[4]), 66;
    (port = atoi(arguments[1]), path = arguments[2], type = arguments[3], requests = atoi(arguments[5]));
    int connections = count > 6 ? atoi(arguments[6]) : 8;
    first = count > 7 ? atoi(arguments[7]) : 0;
    encoding = count > 8 ? arguments[8] : NULL;
    if (!encoding) {
        places = find("########", &place_count);
        raw_places = find("#!#!", &raw_count);
        times = find("@time", &time_count);
        names = find_names(&name_count);
        const char *start = getenv("START"), *step = getenv("STEP");
        time_start = start ? strtoull(start, NULL, 10) : 0;
        time_step = step ? strtoull(step, NULL, 10) : 0;
    }
    seconds = calloc(requests, sizeof *seconds);
    pthread_t *threads = malloc(sizeof *threads * connections);
    double start = now();
    for (int thread = 0; thread < connections; thread++) pthread_create(threads + thread, NULL, send_requests, NULL);
    for (int thread = 0; thread < connections; thread++) pthread_join(threads[thread], NULL);
    double time = now() - start;
    qsort(seconds, requests, sizeof *seconds, order);
    printf("{\"requests\":%d,\"refused\":%d,\"broken\":%d,\"seconds\":%.3f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n", requests, refused, broken,
           time, seconds[requests / 2] * 1e3, seconds[(int)(requests * 0.99)] * 1e3);
    return refused || broken;
}
