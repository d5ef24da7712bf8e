/* procmond.dead (DLQ-1.1, DLQ-1.2): one line of text for each event that can never be delivered. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "json.h"
#include "wal_log.h"

static int append(struct wal_log *log, const char *line, size_t length, const char *newline_first) {
    int fd = -1, failed = disk_create(log->directory, WAL_DEAD_NAME, &fd);
    uint64_t size = 0;
    bool is_made = failed == 0;
    if (failed == EEXIST) failed = disk_open(log->directory, WAL_DEAD_NAME, &fd);
    if (failed == 0) failed = disk_size(fd, &size);
    /* Whoever did not make the file begins with a newline: its end may be half a line, now or after
     * a power cut. The line itself is written with one call. */
    const char *start = is_made ? line : newline_first;
    size_t count = is_made ? length : length + 1;
    if (failed == 0) failed = disk_write(fd, size, start, count);
    /* Without this sync the entry could count as settled, and its letter be gone. */
    if (failed == 0) failed = disk_sync(fd);
    if (failed == 0 && !log->dead_letters_named) {
        /* And without this one the whole file could. Also if it was there: who made it may have died
         * before its name was durable. */
        failed = disk_sync_directory(log->directory);
        log->dead_letters_named = failed == 0;
    }
    if (failed == 0) log->used_bytes += count;
    disk_close(&fd);
    return failed;
}

int wal_letter_append(struct wal_log *log, uint64_t sequence, struct wal_text reason,
                      const uint8_t *payload, size_t payload_bytes) {
    struct json_text json = {0}, line = {0};
    char number[32];
    json_say(&json, "{\"log_id\":\"");
    json_hex(&json, log->log_id, WAL_LOG_ID_BYTES);
    snprintf(number, sizeof number, "%" PRIu64, sequence);
    json_say(&json, "\",\"sequence\":\"");
    json_say(&json, number);
    json_say(&json, "\",\"reason\":");
    json_quote(&json, (const char *)reason.bytes, reason.length);
    json_say(&json, ",\"payload\":\"");
    json_hex(&json, payload, payload_bytes);
    json_say(&json, "\"}");
    snprintf(number, sizeof number, "\n%08" PRIx32 " ", wal_crc32(0, json.bytes, json.length));
    json_say(&line, number);
    json_add(&line, json.bytes, json.length);
    json_say(&line, "\n");
    int failed = append(log, line.bytes + 1, line.length - 1, line.bytes);
    free(json.bytes);
    free(line.bytes);
    return failed;
}

/* ---- reading ---- */

static void read_line(const char *line, size_t length, void (*found)(void *, uint64_t),
                      void *context) {
    char expected[10];
    if (length < 10 || line[8] != ' ') return;
    snprintf(expected, sizeof expected, "%08" PRIx32 " ", wal_crc32(0, line + 9, length - 9));
    if (memcmp(line, expected, 9) != 0) return; /* a damaged line costs only itself */
    struct json_document document;
    if (json_parse(&document, line + 9, length - 9) == NULL) {
        const struct json *sequence = json_member(document.root, "sequence");
        uint64_t number;
        if (json_is_decimal(sequence, &number)) found(context, number);
    }
    json_free(&document);
}

void wal_dead_letters(const char *directory, void (*found)(void *context, uint64_t sequence),
                      void *context) {
    size_t room = strlen(directory) + sizeof "/" WAL_DEAD_NAME;
    char *path = wal_allocate(NULL, room, 1);
    snprintf(path, room, "%s/%s", directory, WAL_DEAD_NAME);
    /* No link is followed (DSK-1.2), and a pipe that stands under this name is not waited for. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    bool is_file = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    FILE *file = is_file ? fdopen(fd, "rb") : NULL;
    free(path);
    if (file == NULL) {
        disk_close(&fd);
        return;
    }
    struct json_text line = {0};
    for (int c = 0; c != EOF;) {
        line.length = 0;
        while ((c = getc(file)) != EOF && c != '\n') json_add(&line, &(char){(char)c}, 1);
        if (line.length > 0) read_line(line.bytes, line.length, found, context);
    }
    free(line.bytes);
    fclose(file);
}
