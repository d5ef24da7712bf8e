/* The directory and the lock on it (DSK-1.2 to DSK-1.4): what comes before the first file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "wal_disk.h"

enum { LOCK_TRIES = 50, LOCK_PAUSE_NS = 20000000 }; /* a second in all */

static enum wal_code refuse(enum wal_code code, char *why, size_t why_bytes, const char *what,
                            int failed) {
    snprintf(why, why_bytes, "%s%s%s", what, failed ? ": " : "", failed ? strerror(failed) : "");
    return code;
}

static enum wal_code check(int directory, bool was_made, char *why, size_t why_bytes) {
    struct stat info;
    if (fstat(directory, &info) != 0)
        return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "the directory cannot be asked", errno);
    if (info.st_uid != geteuid())
        return refuse(WAL_UNSAFE_DIRECTORY, why, why_bytes, "the directory is another user's", 0);
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(WAL_UNSAFE_DIRECTORY, why, why_bytes, "others can write to the directory", 0);
    int parent = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 && was_made)
        return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "the parent cannot be opened", errno);
    /* Without this sync the directory itself can be gone after a power cut, with all that was synced
     * in it. It is done by each open, for the one that made it may have died before it got here. */
    int failed = parent < 0 ? 0 : disk_sync_directory(parent);
    disk_close(&parent);
    if (failed)
        return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "the parent cannot be synced", failed);
    return WAL_OK;
}

enum wal_code disk_open_directory(const char *path, int *directory, char *why, size_t why_bytes) {
    bool was_made = mkdir(path, 0700) == 0;
    if (!was_made && errno != EEXIST)
        return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "the directory cannot be made", errno);
    *directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0)
        return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "the directory cannot be opened", errno);
    enum wal_code code = check(*directory, was_made, why, why_bytes);
    if (code != WAL_OK) disk_close(directory);
    return code;
}

enum wal_code disk_lock(int directory, int *lock, char *why, size_t why_bytes) {
    struct stat info;
    *lock = openat(directory, WAL_LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*lock < 0 || fstat(*lock, &info) != 0 || !S_ISREG(info.st_mode)) {
        int failed = *lock < 0 ? errno : 0;
        disk_close(lock);
        return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "the lock file cannot be opened", failed);
    }
    for (int i = 0; flock(*lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int failed = errno;
            disk_close(lock);
            return refuse(WAL_DISK_UNREADABLE, why, why_bytes, "no lock can be had", failed);
        }
        if (i == LOCK_TRIES) {
            disk_close(lock);
            return refuse(WAL_LOCKED, why, why_bytes, "another process holds the log", 0);
        }
        nanosleep(&(struct timespec){0, LOCK_PAUSE_NS}, NULL);
    }
    return WAL_OK;
}
