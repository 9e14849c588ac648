// SPDX-License-Identifier: Apache-2.0

#include "sqlite_log.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

// A layer over SQLite's own access to files ("The OS Backend (VFS) To SQLite", sqlite.org/vfs.html) that gathers frames of the log.
//
// A frame is a head of 24 bytes and a page ("WAL-mode File Format", sqlite.org/walformat.html). The head of the last frame of a commit says
// how large the database is then; that of every other has a zero there. Frames are gathered until the page of the last one comes, which
// is before SQLite flushes the log and before it tells other connections of the commit.
//
// A transaction that does not end with a commit can leave frames behind: pages that had no room in memory. They belong into the file
// only as long as the transaction has the lock for writing the log, since afterwards others may write to the same place. So the database
// file is watched, too: before the lock is given up, what was gathered is written.

/// How many bytes are gathered at most: SQLite's own layer takes no more than 0x1ffff at once (`seekAndWriteFd` in os_unix.c).
enum { CAPACITY = 124 * 1024, HEAD = 24 };

/// The number of the lock for writing the log (sqlite.org/walformat.html, "WAL Locks").
enum { WRITE_LOCK = 0 };

typedef struct log_file log_file;

/// A database file whose locks are watched.
typedef struct {
    sqlite3_file base;
    sqlite3_file *inner;
    sqlite3_io_methods methods;
    /// The log of the same connection; NULL while it is not open.
    log_file *log;
} database_file;

struct log_file {
    sqlite3_file base;
    sqlite3_file *inner;
    /// Where the locks are.
    database_file *database;
    unsigned char *bytes;
    int count;
    /// Where the first of the bytes belongs.
    sqlite3_int64 start;
    /// Whether the page of the last frame of a commit comes next.
    int ends_commit;
    /// The end of all frames that were written since the lock was taken: a head before it is a correction.
    sqlite3_int64 end;
};

static sqlite3_vfs vfs;
static sqlite3_vfs *system_vfs;

static int rounded(int size) { return (size + 7) & ~7; }

// MARK: - The log

static int flush(log_file *log) {
    if (log->count == 0) return SQLITE_OK;
    int count = log->count;
    // What cannot be written is not tried again: SQLite takes the transaction back.
    log->count = 0;
    return log->inner->pMethods->xWrite(log->inner, log->bytes, count, log->start);
}

static int log_close(sqlite3_file *file) {
    log_file *log = (log_file *)file;
    if (log->database) log->database->log = NULL;
    free(log->bytes);
    log->bytes = NULL;
    return log->inner->pMethods->xClose(log->inner);
}

static int log_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    log_file *log = (log_file *)file;
    int code = flush(log);
    return code != SQLITE_OK ? code : log->inner->pMethods->xRead(log->inner, bytes, count, offset);
}

static int write_through(log_file *log, const void *bytes, int count, sqlite3_int64 offset) {
    int code = flush(log);
    return code != SQLITE_OK ? code : log->inner->pMethods->xWrite(log->inner, bytes, count, offset);
}

static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    log_file *log = (log_file *)file;
    int is_head = count == HEAD && offset >= log->end;
    int is_next = log->count > 0 && offset == log->start + log->count;
    if (offset + count > log->end) log->end = offset + count;
    if (!is_head && !is_next) return write_through(log, bytes, count, offset);
    if (!is_next || log->count + count > CAPACITY) {
        int code = flush(log);
        if (code != SQLITE_OK) return code;
        if (!log->bytes) log->bytes = malloc(CAPACITY);
        if (!log->bytes || count > CAPACITY) return write_through(log, bytes, count, offset);
        log->start = offset;
    }
    memcpy(log->bytes + log->count, bytes, (size_t)count);
    log->count += count;
    if (is_head) {
        const unsigned char *size = (const unsigned char *)bytes + 4;
        log->ends_commit = (size[0] | size[1] | size[2] | size[3]) != 0;
        return SQLITE_OK;
    }
    return log->ends_commit ? flush(log) : SQLITE_OK;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
    log_file *log = (log_file *)file;
    int code = flush(log);
    return code != SQLITE_OK ? code : log->inner->pMethods->xTruncate(log->inner, size);
}

static int log_sync(sqlite3_file *file, int flags) {
    log_file *log = (log_file *)file;
    int code = flush(log);
    return code != SQLITE_OK ? code : log->inner->pMethods->xSync(log->inner, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size) {
    log_file *log = (log_file *)file;
    int code = flush(log);
    return code != SQLITE_OK ? code : log->inner->pMethods->xFileSize(log->inner, size);
}

static int log_lock(sqlite3_file *file, int kind) {
    sqlite3_file *inner = ((log_file *)file)->inner;
    return inner->pMethods->xLock(inner, kind);
}

static int log_unlock(sqlite3_file *file, int kind) {
    sqlite3_file *inner = ((log_file *)file)->inner;
    return inner->pMethods->xUnlock(inner, kind);
}

static int log_check_lock(sqlite3_file *file, int *result) {
    sqlite3_file *inner = ((log_file *)file)->inner;
    return inner->pMethods->xCheckReservedLock(inner, result);
}

static int log_control(sqlite3_file *file, int operation, void *argument) {
    sqlite3_file *inner = ((log_file *)file)->inner;
    return inner->pMethods->xFileControl(inner, operation, argument);
}

static int log_sector_size(sqlite3_file *file) {
    sqlite3_file *inner = ((log_file *)file)->inner;
    return inner->pMethods->xSectorSize(inner);
}

static int log_characteristics(sqlite3_file *file) {
    sqlite3_file *inner = ((log_file *)file)->inner;
    return inner->pMethods->xDeviceCharacteristics(inner);
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector_size,
    .xDeviceCharacteristics = log_characteristics,
};

// MARK: - The database

static sqlite3_file *inner_of(sqlite3_file *file) { return ((database_file *)file)->inner; }

static int database_close(sqlite3_file *file) {
    database_file *database = (database_file *)file;
    if (database->log) database->log->database = NULL;
    return inner_of(file)->pMethods->xClose(inner_of(file));
}

static int database_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    return inner_of(file)->pMethods->xRead(inner_of(file), bytes, count, offset);
}

static int database_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    return inner_of(file)->pMethods->xWrite(inner_of(file), bytes, count, offset);
}

static int database_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return inner_of(file)->pMethods->xTruncate(inner_of(file), size);
}

static int database_sync(sqlite3_file *file, int flags) {
    return inner_of(file)->pMethods->xSync(inner_of(file), flags);
}

static int database_size(sqlite3_file *file, sqlite3_int64 *size) {
    return inner_of(file)->pMethods->xFileSize(inner_of(file), size);
}

static int database_lock(sqlite3_file *file, int kind) {
    return inner_of(file)->pMethods->xLock(inner_of(file), kind);
}

static int database_unlock(sqlite3_file *file, int kind) {
    return inner_of(file)->pMethods->xUnlock(inner_of(file), kind);
}

static int database_check_lock(sqlite3_file *file, int *result) {
    return inner_of(file)->pMethods->xCheckReservedLock(inner_of(file), result);
}

static int database_control(sqlite3_file *file, int operation, void *argument) {
    int code = inner_of(file)->pMethods->xFileControl(inner_of(file), operation, argument);
    if (operation == SQLITE_FCNTL_VFSNAME && code == SQLITE_OK) {
        char **name = argument;
        *name = sqlite3_mprintf("hammurabi/%z", *name);
    }
    return code;
}

static int database_sector_size(sqlite3_file *file) { return inner_of(file)->pMethods->xSectorSize(inner_of(file)); }

static int database_characteristics(sqlite3_file *file) {
    return inner_of(file)->pMethods->xDeviceCharacteristics(inner_of(file));
}

static int database_shm_map(sqlite3_file *file, int page, int size, int extends, void volatile **memory) {
    return inner_of(file)->pMethods->xShmMap(inner_of(file), page, size, extends, memory);
}

static int database_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    database_file *database = (database_file *)file;
    if (database->log && (flags & SQLITE_SHM_EXCLUSIVE) && offset <= WRITE_LOCK && offset + count > WRITE_LOCK) {
        // A commit left nothing. What another transaction left was not read again, so that nothing is lost with it.
        if (flags & SQLITE_SHM_UNLOCK) flush(database->log);
        database->log->end = 0;
    }
    return inner_of(file)->pMethods->xShmLock(inner_of(file), offset, count, flags);
}

static void database_shm_barrier(sqlite3_file *file) { inner_of(file)->pMethods->xShmBarrier(inner_of(file)); }

static int database_shm_unmap(sqlite3_file *file, int removes) {
    return inner_of(file)->pMethods->xShmUnmap(inner_of(file), removes);
}

static int database_fetch(sqlite3_file *file, sqlite3_int64 offset, int count, void **bytes) {
    return inner_of(file)->pMethods->xFetch(inner_of(file), offset, count, bytes);
}

static int database_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *bytes) {
    return inner_of(file)->pMethods->xUnfetch(inner_of(file), offset, bytes);
}

static void watch(database_file *database) {
    const sqlite3_io_methods *inner = database->inner->pMethods;
    database->methods = (sqlite3_io_methods) {
        .iVersion = inner->iVersion > 3 ? 3 : inner->iVersion,
        .xClose = database_close,
        .xRead = database_read,
        .xWrite = database_write,
        .xTruncate = database_truncate,
        .xSync = database_sync,
        .xFileSize = database_size,
        .xLock = database_lock,
        .xUnlock = database_unlock,
        .xCheckReservedLock = database_check_lock,
        .xFileControl = database_control,
        .xSectorSize = database_sector_size,
        .xDeviceCharacteristics = database_characteristics,
    };
    if (inner->iVersion >= 2 && inner->xShmMap) {
        database->methods.xShmMap = database_shm_map;
        database->methods.xShmLock = database_shm_lock;
        database->methods.xShmBarrier = database_shm_barrier;
        database->methods.xShmUnmap = database_shm_unmap;
    }
    if (inner->iVersion >= 3 && inner->xFetch) {
        database->methods.xFetch = database_fetch;
        database->methods.xUnfetch = database_unfetch;
    }
    database->base.pMethods = &database->methods;
}

// MARK: - Opening

/// The watched database file that a log belongs to; NULL for one that another layer has opened.
static database_file *database_of(const char *log_name) {
    sqlite3_file *file = log_name ? sqlite3_database_file_object(log_name) : NULL;
    return file && file->pMethods && file->pMethods->xClose == database_close ? (database_file *)file : NULL;
}

static int open_log(database_file *database, const char *name, sqlite3_file *file, int flags, int *result) {
    log_file *log = (log_file *)file;
    memset(log, 0, sizeof *log);
    log->inner = (sqlite3_file *)((char *)file + rounded(sizeof *log));
    int code = system_vfs->xOpen(system_vfs, name, log->inner, flags, result);
    if (log->inner->pMethods) log->base.pMethods = &log_methods;
    log->database = database;
    if (code == SQLITE_OK) database->log = log;
    return code;
}

static int open_database(const char *name, sqlite3_file *file, int flags, int *result) {
    database_file *database = (database_file *)file;
    memset(database, 0, sizeof *database);
    database->inner = (sqlite3_file *)((char *)file + rounded(sizeof *database));
    int code = system_vfs->xOpen(system_vfs, name, database->inner, flags, result);
    if (database->inner->pMethods) watch(database);
    return code;
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *result) {
    (void)self;
    if (flags & SQLITE_OPEN_MAIN_DB) return open_database(name, file, flags, result);
    // A log without its database is left as it is.
    database_file *database = flags & SQLITE_OPEN_WAL ? database_of(name) : NULL;
    if (database) return open_log(database, name, file, flags, result);
    return system_vfs->xOpen(system_vfs, name, file, flags, result);
}

int hammurabi_join_log_writes(void) {
    // Refused once SQLite is in use; the count of memory is then kept as before.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int code = sqlite3_initialize();
    if (code != SQLITE_OK) return code;
    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs) return SQLITE_NOTFOUND;
    vfs = *system_vfs;
    vfs.pNext = NULL;
    vfs.zName = "hammurabi";
    int largest = (int)(sizeof(log_file) > sizeof(database_file) ? sizeof(log_file) : sizeof(database_file));
    vfs.szOsFile = rounded(largest) + system_vfs->szOsFile;
    vfs.xOpen = open_file;
    return sqlite3_vfs_register(&vfs, 1);
}
