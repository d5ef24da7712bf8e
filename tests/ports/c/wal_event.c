/* One event in bincode legacy (FMT-2.x): each length is compared with what remains before anything
 * is done with it, and nothing is allocated. */
#include <math.h>

#include "wal_format.h"

static bool read_flag(struct wal_cursor *c) { /* a bool, or the tag of an Option */
    size_t start = c->at;
    const uint8_t *p = wal_cursor_take(c, 1);
    if (p != NULL && *p > 1) wal_cursor_fail(c, WAL_INVALID_TAG, start);
    return p != NULL && *p == 1;
}

static struct wal_text read_text(struct wal_cursor *c) {
    struct wal_text text = {NULL, 0, false};
    size_t start = c->at;
    uint64_t length = wal_cursor_u64(c);
    if (c->code != WAL_OK) return text;
    if (length > c->end - c->at) {
        wal_cursor_fail(c, WAL_LENGTH_OUT_OF_RANGE, start);
        return text;
    }
    text.bytes = wal_cursor_take(c, (size_t)length);
    text.length = (size_t)length;
    text.present = true;
    size_t good = wal_utf8_valid_prefix(text.bytes, text.length);
    if (good < text.length) wal_cursor_fail(c, WAL_INVALID_TEXT, start + 8 + good);
    return text;
}

static struct wal_text read_optional_text(struct wal_cursor *c) {
    return read_flag(c) ? read_text(c) : (struct wal_text){NULL, 0, false};
}

static struct wal_time read_system_time(struct wal_cursor *c) {
    size_t start = c->at;
    struct wal_time time;
    time.seconds = wal_cursor_u64(c);
    if (time.seconds > WAL_TIME_SECONDS_MAX) wal_cursor_fail(c, WAL_NUMBER_OUT_OF_RANGE, start);
    time.nanoseconds = wal_cursor_u32(c);
    if (time.nanoseconds > 999999999) wal_cursor_fail(c, WAL_NUMBER_OUT_OF_RANGE, start + 8);
    return time;
}

static double read_finite(struct wal_cursor *c) {
    size_t start = c->at;
    uint64_t bits = wal_cursor_u64(c);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) wal_cursor_fail(c, WAL_NUMBER_OUT_OF_RANGE, start);
    return value;
}

static void read_command_line(struct wal_cursor *c, struct wal_event *event) {
    size_t start = c->at;
    uint64_t items = wal_cursor_u64(c);
    /* Each item has at least its length, so more items than that cannot follow (FMT-2.3). */
    if (c->code == WAL_OK && items > (c->end - c->at) / 8)
        wal_cursor_fail(c, WAL_LENGTH_OUT_OF_RANGE, start);
    event->command_line_items = items;
    event->command_line.bytes = c->bytes + c->at;
    for (uint64_t i = 0; i < items && c->code == WAL_OK; i++) read_text(c);
    event->command_line.length = c->at - (start + 8 <= c->at ? start + 8 : c->at);
    event->command_line.present = true;
}

void wal_event_read(struct wal_cursor *c, struct wal_event *event) {
    memset(event, 0, sizeof *event);
    size_t start = c->at;
    event->event_type = wal_cursor_u32(c);
    if (event->event_type > 2) wal_cursor_fail(c, WAL_INVALID_TAG, start);
    event->pid = wal_cursor_u32(c);
    if ((event->has_ppid = read_flag(c))) event->ppid = wal_cursor_u32(c);
    event->name = read_text(c);
    event->executable_path = read_optional_text(c);
    read_command_line(c, event);
    if ((event->has_start_time = read_flag(c))) event->start_time = read_system_time(c);
    if ((event->has_cpu_usage = read_flag(c))) event->cpu_usage = read_finite(c);
    if ((event->has_memory_usage = read_flag(c))) event->memory_usage = wal_cursor_u64(c);
    size_t hash_tag = c->at;
    event->executable_hash = read_optional_text(c);
    event->hash_algorithm = read_optional_text(c);
    if (event->executable_hash.present != event->hash_algorithm.present)
        wal_cursor_fail(c, WAL_INVALID_TAG, hash_tag); /* EVT-1.3 */
    event->user_id = read_optional_text(c);
    event->accessible = read_flag(c);
    event->file_exists = read_flag(c);
    event->timestamp = read_system_time(c);
    event->platform_metadata = read_optional_text(c);
}

enum wal_code wal_event_decode(const uint8_t *bytes, size_t length, struct wal_event *event,
                               size_t *offset) {
    struct wal_cursor c = {bytes, 0, length, WAL_OK, 0};
    wal_event_read(&c, event);
    if (c.at < c.end) wal_cursor_fail(&c, WAL_TRAILING_BYTES, c.at);
    *offset = c.code_offset;
    return c.code;
}

/* ---- encoding: the same order; `into` null only counts ---- */

struct writer {
    uint8_t *into;
    size_t length;
};

static void write_bytes(struct writer *w, const void *bytes, size_t count) {
    if (w->into != NULL && count > 0) memcpy(w->into + w->length, bytes, count);
    w->length += count;
}
static void write_u8(struct writer *w, bool value) { write_bytes(w, value ? "\1" : "\0", 1); }
static void write_u32(struct writer *w, uint32_t value) {
    uint8_t bytes[4];
    wal_put32(bytes, value);
    write_bytes(w, bytes, sizeof bytes);
}
static void write_u64(struct writer *w, uint64_t value) {
    uint8_t bytes[8];
    wal_put64(bytes, value);
    write_bytes(w, bytes, sizeof bytes);
}
static void write_text(struct writer *w, struct wal_text text) {
    write_u64(w, text.length);
    write_bytes(w, text.bytes, text.length);
}
static void write_optional_text(struct writer *w, struct wal_text text) {
    write_u8(w, text.present);
    if (text.present) write_text(w, text);
}
static void write_time(struct writer *w, struct wal_time time) {
    write_u64(w, time.seconds);
    write_u32(w, time.nanoseconds);
}

size_t wal_event_encode(const struct wal_event *event, uint8_t *into) {
    struct writer w = {into, 0};
    uint64_t bits;
    write_u32(&w, event->event_type);
    write_u32(&w, event->pid);
    write_u8(&w, event->has_ppid);
    if (event->has_ppid) write_u32(&w, event->ppid);
    write_text(&w, event->name);
    write_optional_text(&w, event->executable_path);
    write_u64(&w, event->command_line_items);
    write_bytes(&w, event->command_line.bytes, event->command_line.length);
    write_u8(&w, event->has_start_time);
    if (event->has_start_time) write_time(&w, event->start_time);
    write_u8(&w, event->has_cpu_usage);
    memcpy(&bits, &event->cpu_usage, sizeof bits);
    if (event->has_cpu_usage) write_u64(&w, bits);
    write_u8(&w, event->has_memory_usage);
    if (event->has_memory_usage) write_u64(&w, event->memory_usage);
    write_optional_text(&w, event->executable_hash);
    write_optional_text(&w, event->hash_algorithm);
    write_optional_text(&w, event->user_id);
    write_u8(&w, event->accessible);
    write_u8(&w, event->file_exists);
    write_time(&w, event->timestamp);
    write_optional_text(&w, event->platform_metadata);
    return w.length;
}
