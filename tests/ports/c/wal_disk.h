/* What the log asks of the machine: the calls of DSK-1.1, random bytes, and two clocks.
 *
 * Each call of the disk returns 0 or an errno value. A sync that failed is never repeated by this
 * file, nor is one that was interrupted: the caller cannot know what a second success means.
 */
#ifndef WAL_DISK_H
#define WAL_DISK_H

#include "wal_format.h"

/* Opens the directory, made with mode 0700 if it is missing, and syncs it into its parent. */
enum wal_code disk_open_directory(const char *path, int *directory, char *why, size_t why_bytes);
/* Takes the lock, waiting up to a second. */
enum wal_code disk_lock(int directory, int *lock, char *why, size_t why_bytes);

int disk_create(int directory, const char *name, int *fd);
int disk_open(int directory, const char *name, int *fd);
void disk_close(int *fd);
/* Writes all of it, or fails; some of it may have been written then. */
int disk_write(int fd, uint64_t offset, const void *bytes, size_t count);
/* Reads up to `count` bytes; *got is less only at the end of the file. */
int disk_read(int fd, uint64_t offset, void *bytes, size_t count, size_t *got);
int disk_sync(int fd);
int disk_sync_directory(int directory);
int disk_truncate(int fd, uint64_t size);
int disk_size(int fd, uint64_t *size);
/* Gives `from` the name `to`, which must not exist: EEXIST if it does. */
int disk_rename_new(int directory, const char *from, const char *to);
int disk_unlink(int directory, const char *name);
bool disk_exists(int directory, const char *name);

struct disk_file {
    char *name;
    uint64_t size;
    bool is_regular;
};
struct disk_listing {
    struct disk_file *files; /* sorted by name */
    size_t count;
};
int disk_list(int directory, struct disk_listing *listing);
void disk_listing_free(struct disk_listing *listing);
const struct disk_file *disk_listing_find(const struct disk_listing *listing, const char *name);

struct disk_source {
    bool is_fixed;
    uint64_t state, start;
};
struct disk_source disk_source_of(bool is_fixed, uint64_t fixed);
int disk_random(struct disk_source *source, uint8_t *bytes, size_t count);
struct wal_time disk_now(const struct disk_source *source);
uint64_t disk_monotonic_ns(const struct disk_source *source);

/* Memory that is there or the process ends: a log that cannot remember what is unsettled must not
 * go on, and an end like this one is a crash, which loses nothing. */
void *wal_allocate(void *old, size_t count, size_t item_bytes);
char *wal_copy_text(const char *text);

#endif
