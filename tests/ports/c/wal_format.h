/* What the bytes mean: names, headers, slots, frames (sections 3, 4, 5 and 8). Pure functions. */
#ifndef WAL_FORMAT_H
#define WAL_FORMAT_H

#include "wal_bytes.h"

enum {
    WAL_HEADER_BYTES = 128,       /* a header copy, or a slot */
    WAL_COPY_OFFSET = 4096,       /* where the second one stands */
    WAL_BLOCK_BYTES = 8192,       /* before the first frame; the whole acknowledgement file */
    WAL_FRAME_HEADER_BYTES = 20,
    WAL_BODY_BYTES_MIN = 87,
    WAL_BODY_BYTES_MAX = 1 << 20,
    WAL_FRAME_BYTES_MIN = 107,
    WAL_TIMESTAMP_BYTES_MAX = 38  /* with its length */
};
#define WAL_FILE_NUMBER_MAX (UINT32_MAX - 65536u)
#define WAL_TIME_SECONDS_MAX UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* crc32 of the bytes, continuing `crc` (0 to begin). */
uint32_t wal_crc32(uint32_t crc, const void *bytes, size_t length);

/* ---- times and text ---- */

size_t wal_time_format(struct wal_time time, char text[31]); /* FMT-2.6; the length */
bool wal_time_parse(const uint8_t *text, size_t length, struct wal_time *time);
size_t wal_timestamp_encode(struct wal_time time, uint8_t into[WAL_TIMESTAMP_BYTES_MAX]);
struct wal_time wal_timestamp_read(struct wal_cursor *c);
/* The index of the first byte that is not UTF-8, or `length`. */
size_t wal_utf8_valid_prefix(const uint8_t *text, size_t length);
void wal_event_read(struct wal_cursor *c, struct wal_event *event);

/* ---- names (FMT-3.1, FMT-3.2) ---- */

#define WAL_ACK_NAME "procmond.ack"
#define WAL_ACK_NEW_NAME "procmond.ack.new"
#define WAL_LOCK_NAME "procmond.lock"
#define WAL_DEAD_NAME "procmond.dead"

enum wal_name_kind {
    WAL_NAME_SEGMENT,
    WAL_NAME_SEGMENT_NEW,
    WAL_NAME_SALVAGED,
    WAL_NAME_SET_ASIDE, /* .unreadable, .foreign */
    WAL_NAME_QUARANTINE,
    WAL_NAME_FIXED,     /* acknowledgements, lock, dead letters */
    WAL_NAME_OTHER
};
void wal_segment_name(uint64_t number, char name[WAL_NAME_BYTES]);
/* `number` is that of the segment whose name it is, or begins with. */
enum wal_name_kind wal_name_kind_of(const char *name, uint32_t *number);

/* ---- headers (FMT-4.x) and slots (ACK-1.1) ---- */

struct wal_header {
    uint32_t file_number;
    uint8_t log_id[WAL_LOG_ID_BYTES], previous_log_id[WAL_LOG_ID_BYTES], salt[8];
    uint64_t relocated_from, continues_from, first_sequence;
};
struct wal_slot {
    uint64_t generation, acknowledged_through, next_sequence, clean_length;
    uint8_t log_id[WAL_LOG_ID_BYTES];
    uint32_t clean_file;
};
enum wal_verdict {
    WAL_VERDICT_GOOD,
    WAL_VERDICT_SHORT,
    WAL_VERDICT_CRC,
    WAL_VERDICT_MAGIC,
    WAL_VERDICT_UNSUPPORTED,
    WAL_VERDICT_FIELDS
};
enum wal_verdict wal_header_decode(const uint8_t *bytes, size_t length, struct wal_header *header);
void wal_header_encode(const struct wal_header *header, uint8_t block[WAL_BLOCK_BYTES]);
enum wal_verdict wal_slot_decode(const uint8_t *bytes, size_t length, struct wal_slot *slot);
void wal_slot_encode(const struct wal_slot *slot, uint8_t bytes[WAL_HEADER_BYTES]);

/* ---- frames (FMT-5.x) ---- */

struct wal_frame_key { /* of one file */
    uint8_t sync_word[4];
    uint32_t crc; /* over salt and file number */
};
struct wal_frame_key wal_frame_key_of(const uint8_t salt[8], uint32_t file_number);

struct wal_frame_header {
    uint32_t body_bytes, crc;
    uint64_t sequence;
};
bool wal_frame_header_verify(const struct wal_frame_key *key, uint64_t offset, const uint8_t *bytes,
                             struct wal_frame_header *header);
bool wal_frame_body_verify(const struct wal_frame_header *header, const uint8_t *body);
/* A frame of timestamp and event as encoded; `into` has room for wal_frame_bytes(payload_bytes). The
 * payload may stand in its place there already. */
void wal_frame_encode(const struct wal_frame_key *key, uint64_t offset, uint64_t sequence,
                      const uint8_t *payload, size_t payload_bytes, uint8_t *into);
enum { WAL_PAYLOAD_OFFSET = WAL_FRAME_HEADER_BYTES + 8 };
static inline size_t wal_frame_bytes(size_t payload_bytes) {
    return WAL_FRAME_HEADER_BYTES + 8 + payload_bytes + 4;
}
/* What a body that verifies holds; on an error *offset counts from its first byte. */
enum wal_code wal_entry_decode(const struct wal_frame_header *header, const uint8_t *body,
                               struct wal_entry *entry, struct wal_event *event, size_t *offset);

/* How many records so many bytes may hold: each has at least 107 (REC-6.1). */
static inline uint64_t wal_records_in(uint64_t bytes) {
    return bytes / WAL_FRAME_BYTES_MIN + (bytes % WAL_FRAME_BYTES_MIN != 0);
}

#endif
