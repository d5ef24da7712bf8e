/* The calls on files and names (DSK-1.1). Short writes are continued and EINTR is retried (WAL-4.1),
 * but for syncs. Symbolic links are not followed and descriptors not inherited (DSK-1.2). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wal_disk.h"

_Static_assert(sizeof(off_t) >= 8, "files of the log may be longer than 2 GiB");

int disk_create(int directory, const char *name, int *fd) {
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    do *fd = openat(directory, name, flags, 0600);
    while (*fd < 0 && errno == EINTR);
    return *fd < 0 ? errno : 0;
}

int disk_open(int directory, const char *name, int *fd) {
    do *fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    while (*fd < 0 && errno == EINTR);
    return *fd < 0 ? errno : 0;
}

void disk_close(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

int disk_write(int fd, uint64_t offset, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    while (count > 0) {
        ssize_t written = pwrite(fd, p, count, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return EIO; /* no progress and no reason: do not spin */
        p += written;
        offset += (uint64_t)written;
        count -= (size_t)written;
    }
    return 0;
}

int disk_read(int fd, uint64_t offset, void *bytes, size_t count, size_t *got) {
    *got = 0;
    while (*got < count) {
        ssize_t n = pread(fd, (uint8_t *)bytes + *got, count - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) break;
        *got += (size_t)n;
    }
    return 0;
}

/* fdatasync keeps the bytes and the size that is needed to read them back. */
int disk_sync(int fd) { return fdatasync(fd) == 0 ? 0 : errno; }

int disk_sync_directory(int directory) { return fsync(directory) == 0 ? 0 : errno; }

int disk_truncate(int fd, uint64_t size) {
    int failed;
    do failed = ftruncate(fd, (off_t)size);
    while (failed != 0 && errno == EINTR);
    return failed == 0 ? 0 : errno;
}

int disk_size(int fd, uint64_t *size) {
    struct stat info;
    if (fstat(fd, &info) != 0) return errno;
    *size = (uint64_t)info.st_size;
    return 0;
}

/* rename() would replace, and renameat2 is not POSIX. A crash between these two, or an unlink that
 * fails, leaves both names of one file; every user of this function counts with that. */
int disk_rename_new(int directory, const char *from, const char *to) {
    if (linkat(directory, from, directory, to, 0) != 0) return errno;
    (void)disk_unlink(directory, from);
    return 0;
}

int disk_unlink(int directory, const char *name) {
    return unlinkat(directory, name, 0) == 0 ? 0 : errno;
}

bool disk_exists(int directory, const char *name) {
    struct stat info; /* anything but "no such name" counts: a new file needs to be sure */
    return fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct disk_file *)a)->name, ((const struct disk_file *)b)->name);
}

int disk_list(int directory, struct disk_listing *listing) {
    listing->files = NULL;
    listing->count = 0;
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        int failed = errno;
        disk_close(&fd);
        return failed;
    }
    int failed = 0;
    size_t room = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            failed = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        struct stat info;
        if (fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) continue; /* gone since it was read; somebody else's then */
            failed = errno;
            break;
        }
        if (listing->count == room) {
            room = room * 2 + 16;
            listing->files = wal_allocate(listing->files, room, sizeof *listing->files);
        }
        listing->files[listing->count++] = (struct disk_file){
            wal_copy_text(entry->d_name), (uint64_t)info.st_size, S_ISREG(info.st_mode)};
    }
    closedir(stream);
    if (failed != 0) {
        disk_listing_free(listing);
        return failed;
    }
    if (listing->count > 0) qsort(listing->files, listing->count, sizeof *listing->files, by_name);
    return 0;
}

void disk_listing_free(struct disk_listing *listing) {
    for (size_t i = 0; i < listing->count; i++) free(listing->files[i].name);
    free(listing->files);
    listing->files = NULL;
    listing->count = 0;
}

const struct disk_file *disk_listing_find(const struct disk_listing *listing, const char *name) {
    size_t low = 0, high = listing->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(listing->files[middle].name, name);
        if (order == 0) return &listing->files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
