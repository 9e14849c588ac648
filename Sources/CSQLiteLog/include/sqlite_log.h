// SPDX-License-Identifier: Apache-2.0

#ifndef HAMMURABI_SQLITE_LOG_H
#define HAMMURABI_SQLITE_LOG_H

/// Makes SQLite write the pages of a commit to its log in a few large writes, in every connection that is opened from now on.
///
/// SQLite itself writes each page and the 24 bytes before it by themselves, two calls of the system a page; a single one for many pages
/// takes a third of the processor time. When anything reaches the file, and what is flushed, does not change: a commit is whole in the
/// file before it is flushed and before other connections can see it. Also leaves out SQLite's count of the memory in use, for which
/// every allocation takes a lock, if no connection was opened before. Call once.
///
/// @return A result code of SQLite; connections work without this when it fails.
int hammurabi_join_log_writes(void);

#endif
