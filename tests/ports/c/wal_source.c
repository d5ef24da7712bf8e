/* Random bytes, clocks and memory. With a fixed source the same calls give the same bytes, so that
 * a run can be done again to the byte. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "wal_disk.h"

struct disk_source disk_source_of(bool is_fixed, uint64_t fixed) {
    return (struct disk_source){is_fixed, fixed, UINT64_C(1700000000) + fixed % 1000};
}

static uint64_t next_fixed(struct disk_source *source) { /* splitmix64 */
    uint64_t z = source->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

int disk_random(struct disk_source *source, uint8_t *bytes, size_t count) {
    if (source->is_fixed) {
        for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(next_fixed(source) >> 32);
        return 0;
    }
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int failed = 0;
    for (size_t got = 0; got < count && failed == 0;) {
        ssize_t n = read(fd, bytes + got, count - got);
        if (n > 0)
            got += (size_t)n;
        else if (n == 0 || errno != EINTR)
            failed = n == 0 ? EIO : errno;
    }
    disk_close(&fd);
    return failed;
}

struct wal_time disk_now(const struct disk_source *source) {
    struct timespec now = {0, 0};
    if (source->is_fixed) return (struct wal_time){source->start, 250000000};
    clock_gettime(CLOCK_REALTIME, &now);
    /* A wrong clock must not cost an event: it is brought into the years that the format has. */
    if (now.tv_sec < 0) return (struct wal_time){0, 0};
    if ((uint64_t)now.tv_sec > WAL_TIME_SECONDS_MAX)
        return (struct wal_time){WAL_TIME_SECONDS_MAX, 999999999};
    return (struct wal_time){(uint64_t)now.tv_sec, (uint32_t)now.tv_nsec};
}

uint64_t disk_monotonic_ns(const struct disk_source *source) {
    struct timespec now = {0, 0};
    if (!source->is_fixed) clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void *wal_allocate(void *old, size_t count, size_t item_bytes) {
    void *memory = count <= SIZE_MAX / item_bytes ? realloc(old, count * item_bytes) : NULL;
    if (memory == NULL) {
        fprintf(stderr, "wal: no memory\n");
        abort();
    }
    return memory;
}

char *wal_copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(wal_allocate(NULL, bytes, 1), text, bytes);
}
