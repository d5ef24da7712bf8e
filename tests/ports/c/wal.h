/* The write-ahead log, as its user sees it.
 *
 * wal_append returns WAL_OK only when the event survives any crash or power cut from then on, until
 * it is settled by wal_acknowledge or wal_refuse. Replay is in order. Damage costs the records that
 * it hit, and the report of wal_open names each. Section numbers and IDs are those of
 * reference/SPEC.md. A log is used by one thread at a time; who has several shares one write and
 * one sync among them by passing what waits to wal_append_batch (WAL-2.1).
 */
#ifndef WAL_H
#define WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WAL_LOG_ID_BYTES = 16,
    WAL_NAME_BYTES = 96,            /* the longest name of the log's own, and the zero behind it */
    WAL_EVENT_BYTES_MAX = 1044480,  /* FMT-1.1 */
    WAL_DAMAGES_LISTED_MAX = 1000   /* REP-1.3 */
};
#define WAL_SEQUENCE_MAX (UINT64_MAX - 65536u) /* the last number (FMT-5.1) */

/* ---- errors are values (section 11) ---- */

enum wal_code {
    WAL_OK,
    WAL_EVENT_TOO_LARGE,
    WAL_END_OF_BYTES,
    WAL_LENGTH_OUT_OF_RANGE,
    WAL_INVALID_TAG,
    WAL_INVALID_TEXT,
    WAL_NUMBER_OUT_OF_RANGE,
    WAL_TRAILING_BYTES,
    WAL_CLOSED,
    WAL_LOG_FAILED,
    WAL_QUOTA_EXCEEDED,
    WAL_DISK_REJECTED,
    WAL_NO_SEGMENT,
    WAL_APPEND_INDEFINITE,
    WAL_SYNC_FAILED,
    WAL_ACKNOWLEDGED_BEYOND_LOG,
    WAL_NOT_IN_LOG,
    WAL_DEAD_LETTER_FAILED,
    WAL_READ_FAILED,
    WAL_ENTRIES_NOT_DURABLE,
    WAL_LOCKED,
    WAL_UNSAFE_DIRECTORY,
    WAL_UNSUPPORTED_VERSION,
    WAL_DISK_UNREADABLE,
    WAL_INVALID_CONFIG
};

const char *wal_code_name(enum wal_code code);
/* Definite: the operation had no effect and never will have. */
bool wal_code_is_definite(enum wal_code code);

/* ---- events (sections 2 and 3) ---- */

struct wal_time {
    uint64_t seconds; /* since 1970-01-01T00:00:00Z, up to the end of 9999 */
    uint32_t nanoseconds;
};

/* A view of text in somebody else's memory. */
struct wal_text {
    const uint8_t *bytes;
    size_t length;
    bool present;
};

/* Each view points into the encoded event; nothing is allocated by decoding. */
struct wal_event {
    uint32_t event_type, pid, ppid;
    bool has_ppid, has_start_time, has_cpu_usage, has_memory_usage, accessible, file_exists;
    struct wal_text name, executable_path, executable_hash, hash_algorithm, user_id;
    struct wal_text platform_metadata;
    struct wal_text command_line; /* as encoded: each item a u64 length and its bytes */
    uint64_t command_line_items;
    struct wal_time start_time, timestamp;
    double cpu_usage;
    uint64_t memory_usage;
};

/* Decodes exactly `length` bytes; on an error *offset is the place that section 3 names. */
enum wal_code wal_event_decode(const uint8_t *bytes, size_t length, struct wal_event *event,
                               size_t *offset);
/* The size of the encoded event, and with `into` not null its bytes. */
size_t wal_event_encode(const struct wal_event *event, uint8_t *into);

/* ---- opening ---- */

struct wal_config { /* section 7 has defaults and bounds */
    uint64_t rotation_bytes, file_bytes_max, batch_bytes_max, event_bytes_max, quota_bytes;
    uint64_t quarantine_bytes_max, quarantine_files_max;
    uint64_t acknowledge_interval_ns, acknowledge_count_max;
    bool is_fixed;  /* random bytes and clock come from `fixed`: the same bytes are written each time */
    uint64_t fixed;
};
struct wal_config wal_config_default(void);
bool wal_config_is_valid(const struct wal_config *config);

enum wal_fate { WAL_FATE_NONE, WAL_LOST, WAL_POSSIBLY_LOST, WAL_DEAD_LETTERED };
enum wal_damage_kind {
    WAL_HEADER_COPY,
    WAL_DAMAGED_BODY,
    WAL_DAMAGED_REGION,
    WAL_MISSING_NUMBERS,
    WAL_STALE_FRAME,
    WAL_GAP_BETWEEN_FILES,
    WAL_TAIL,
    WAL_UNREADABLE_FILE,
    WAL_FOREIGN_FILE,
    WAL_UNDECODABLE_ENTRY,
    WAL_MISSING_END,
    WAL_ACKNOWLEDGEMENT_SLOT,
    WAL_ACKNOWLEDGEMENT_FILE
};
const char *wal_fate_name(enum wal_fate fate);
const char *wal_damage_kind_name(enum wal_damage_kind kind);

struct wal_damage {
    enum wal_damage_kind kind;
    enum wal_fate fate;
    char file[WAL_NAME_BYTES];
    uint64_t offset, length;
    uint64_t first_sequence; /* 0: no number is concerned */
    uint64_t sequence_count;
};

struct wal_names { /* owned, sorted */
    char **items;
    size_t count;
};

struct wal_report { /* REP-1.3 */
    uint8_t log_id[WAL_LOG_ID_BYTES], previous_log_id[WAL_LOG_ID_BYTES];
    bool has_previous_log_id, clean_shutdown;
    uint64_t segments, entries, acknowledged_through, next_sequence;
    uint64_t lost, possibly_lost, dead_lettered;
    struct wal_damage *damages;
    size_t damages_listed;
    uint64_t damages_not_listed, not_kept;
    struct wal_names ignored, removed, quarantined;
    char degraded[160]; /* why no file can be appended to, empty if one can */
};

struct wal_log;

/* Opens with recovery (section 9). Refuses with one of four codes, and then *log is null and `why`
 * has words for a person. */
enum wal_code wal_open(const char *directory, const struct wal_config *config, struct wal_log **log,
                       char *why, size_t why_bytes);
const struct wal_report *wal_report_of(const struct wal_log *log);

/* ---- using ---- */

struct wal_blob {
    const uint8_t *bytes;
    size_t length;
};

/* Stores encoded events, each of which has been decoded without an error, in order. sequences[i] is
 * the number of events[i] for i < *stored: these are durable whatever is returned (WAL-1.4). */
enum wal_code wal_append_batch(struct wal_log *log, const struct wal_blob *events, size_t count,
                               uint64_t *sequences, size_t *stored);
enum wal_code wal_append(struct wal_log *log, struct wal_blob event, uint64_t *sequence);

/* Settles every number up to `through`. Reads no file. */
enum wal_code wal_acknowledge(struct wal_log *log, uint64_t through);
/* Settles one entry for good, once its dead letter is durable (DLQ-1.1). */
enum wal_code wal_refuse(struct wal_log *log, uint64_t sequence, struct wal_text reason);

struct wal_entry {
    uint64_t sequence;
    struct wal_time timestamp;
    struct wal_blob event;
};
/* Called for each unsettled entry above `after`, in order; the entry is the callee's only until it
 * returns. False ends the replay. */
typedef bool (*wal_visitor)(void *context, const struct wal_entry *entry);
enum wal_code wal_replay(struct wal_log *log, uint64_t after, wal_visitor visit, void *context);

struct wal_status {
    uint64_t next_sequence, acknowledged_through, used_bytes;
    uint64_t hidden_from; /* 0: nothing is hidden (REC-9.3) */
    size_t segment_count;
};
struct wal_status wal_status_of(const struct wal_log *log);
void wal_segment_name_at(const struct wal_log *log, size_t index, char name[WAL_NAME_BYTES]);

/* Writes the clean mark, and frees the log. True if the close was clean; else `why` says why not. */
bool wal_close(struct wal_log *log, char *why, size_t why_bytes);
/* Frees the log as a crash would leave it: nothing is written. */
void wal_abandon(struct wal_log *log);

/* Calls `found` for the number of each sound line of procmond.dead, in the file's order. */
void wal_dead_letters(const char *directory, void (*found)(void *context, uint64_t sequence),
                      void *context);

#endif
