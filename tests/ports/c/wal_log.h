/* An open log, and the steps that its parts do for each other. Nothing here is for a user. */
#ifndef WAL_LOG_H
#define WAL_LOG_H

#include "wal_intervals.h"
#include "wal_scan.h"

static inline uint64_t wal_larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* ---- a segment, as it was found and as it is kept in memory ---- */

enum wal_segment_state { WAL_SEGMENT_OURS, WAL_SEGMENT_FOREIGN, WAL_SEGMENT_UNREADABLE };

struct wal_segment {
    enum wal_segment_state state;
    struct wal_header header; /* its file_number also of an unreadable one */
    uint64_t size;
    int bad_copy;           /* -1, or the offset of a header copy that differs */
    bool has_complete;      /* a frame that verifies, a stale one too */
    bool has_fresh;         /* one that is not stale */
    uint64_t complete_end;  /* where its tail starts */
    uint64_t highest_own;   /* the highest number at or above first_sequence that was found; 0: none */
    uint64_t first_entry, last_entry; /* of what is delivered from it; 0: nothing */
};

/* ---- the acknowledgement file ---- */

struct wal_slots {
    int fd;               /* -1: there is none that can be written on */
    struct wal_slot last; /* what counts; generation 0 and the rest 0 without one */
    bool was_there, is_irregular;
    bool is_unnamed; /* made anew, and still under its temporary name */
    uint64_t file_size;
    uint8_t bytes[2][WAL_HEADER_BYTES];
    struct wal_slot found[2];
    bool verifies[2]; /* by its bytes alone */
    bool usable[2];   /* and it is of this log (ACK-1.2) */
};

struct wal_log {
    struct wal_config config;
    struct disk_source source;
    int directory, lock;
    uint8_t log_id[WAL_LOG_ID_BYTES], previous_log_id[WAL_LOG_ID_BYTES];
    struct wal_report report;

    struct wal_segment *segments; /* this log's, by number; the newest is the last */
    size_t segment_count, segment_room;
    uint64_t highest_number; /* of headers found and of files tried (WAL-3.1) */
    uint64_t used_bytes;     /* what the quota counts (WAL-5.1) */

    int active;        /* the newest segment's descriptor, -1: none can be appended to */
    bool is_sealed;    /* it was cut back, or its mark stands: start another one (FMT-5.5) */
    bool is_marked;    /* the slots call it durable at its length, or may do so (REC-7.2) */
    bool has_leftover; /* a failed rotation left a file behind it */
    bool has_failed;   /* a sync failed: nothing more is appended (WAL-4.3) */
    uint64_t expected; /* what the newest file expects next */
    uint64_t next_sequence;
    struct wal_intervals unsettled;

    struct wal_slots slots;
    uint64_t durable_watermark; /* written and synced by this process */
    uint64_t settled_since, written_ns; /* for ACK-5.2 */
    bool dead_letters_named;    /* the directory was synced since the first one (DLQ-1.1) */

    /* Degraded (REC-9.3): the new file could not be made. */
    bool is_degraded;
    bool floor_is_durable;
    bool burned_open; /* the open found numbers that only a header or the floor can burn */
};

/* The lowest unsettled number less one, or everything. */
uint64_t wal_watermark(const struct wal_log *log);
uint64_t wal_hidden_from(const struct wal_log *log); /* UINT64_MAX: nothing is hidden */
/* Adds a copy behind the last segment, and returns it. */
struct wal_segment *wal_segments_add(struct wal_log *log, const struct wal_segment *segment);

/* wal_slots.c */
enum wal_code wal_slots_read(struct wal_slots *slots, int directory, const struct disk_listing *list,
                             int *failed);
/* Writes watermark and floor, with the mark if `mark_length` is not 0, and syncs. A file that is
 * missing, damaged or failing is made anew. 0 or errno. */
int wal_slots_write(struct wal_log *log, uint64_t mark_length);
/* Writes what stands there once more: it may have been read from the page cache alone. */
int wal_slots_affirm(struct wal_log *log);

/* wal_letters.c */
int wal_letter_append(struct wal_log *log, uint64_t sequence, struct wal_text reason,
                      const uint8_t *payload, size_t payload_bytes);

/* wal_rotate.c */
/* A free file number, or 0 (WAL-3.1). */
uint64_t wal_number_take(struct wal_log *log);
struct wal_header wal_header_new(struct wal_log *log, uint64_t number, uint64_t relocated_from,
                                 uint64_t continues_from, int *failed);
/* Starts a new newest file; 0 or errno, and then everything is as before. */
int wal_rotate(struct wal_log *log);

/* wal_relocate.c */
/* Which segments may have been open when the last process ended, by index: [from, to) (REC-7.3). */
void wal_old_files(const struct wal_log *log, size_t *from, size_t *to);
/* Moves what is unsettled in them to a new newest file (REC-7.1). 0 or errno. */
int wal_relocate(struct wal_log *log);

/* wal_settle.c */
/* After numbers left `unsettled`: writes the watermark when it is due, deletes what it may. */
void wal_settle(struct wal_log *log, uint64_t settled_now);
/* Tries to make floor and watermark durable if that is what hides entries (REC-9.3). */
void wal_unhide(struct wal_log *log);
void wal_delete_settled(struct wal_log *log);

/* wal_survey.c: what a directory holds, before anything in it is changed */
struct wal_survey {
    struct disk_listing list;
    struct wal_segment *segments; /* all of them, by number */
    size_t count;
    size_t newest; /* index of the highest usable header of this log; SIZE_MAX: none */
    char (*leftovers)[WAL_NAME_BYTES]; /* to be removed */
    size_t leftover_count;
};
enum wal_code wal_survey_take(struct wal_log *log, struct wal_survey *survey, char *why,
                              size_t why_bytes);
void wal_survey_free(struct wal_survey *survey);

/* wal_account.c: what is reported, and which numbers are explained */
struct wal_stretch { /* without an explanation yet: a tail, or an unreadable file */
    const struct wal_segment *segment;
    bool is_tail;
    uint64_t offset, length;
    struct wal_interval numbers[2]; /* that it may have held, and nobody else had */
    uint64_t end;                   /* above all that it may have held */
};
struct wal_account {
    struct wal_log *log;
    struct wal_intervals known; /* acknowledged, found, declared, reported */
    struct wal_stretch *open;
    size_t open_count, open_room;
    struct wal_stretch *kept; /* to be copied aside */
    size_t kept_count, kept_room;
    uint64_t expected; /* what the log expects (section 9) */
    uint64_t highest;  /* one above the highest number that was found, declared or burned */
};
/* Reports [first, end) less what is known, and makes it known; in pieces if need be. With `or_none`
 * a report without numbers is made if nothing is left. True if anything was reported. */
bool wal_account_numbers(struct wal_account *account, enum wal_damage_kind kind, enum wal_fate fate,
                         const char *file, uint64_t offset, uint64_t length, uint64_t first,
                         uint64_t end, bool or_none);
void wal_account_none(struct wal_account *account, enum wal_damage_kind kind, const char *file,
                      uint64_t offset, uint64_t length);
void wal_account_keep(struct wal_account *account, const struct wal_segment *segment,
                      uint64_t offset, uint64_t length);
/* Remembers a tail or an unreadable file until a later file, or the end, says what it was. */
void wal_account_open(struct wal_account *account, struct wal_stretch stretch);
/* Where the numbers of an unreadable file begin (REC-5.2). */
uint64_t wal_account_open_from(const struct wal_account *account);
/* A later file, and what it settles (REC-6.1). */
void wal_account_header(struct wal_account *account, const struct wal_segment *segment);
/* The end of the log: what is still open is burned. */
void wal_account_finish(struct wal_account *account, bool is_new_log);
void wal_account_free(struct wal_account *account);

/* wal_walk.c: reading all segments; what is not settled and can be delivered gets into the log */
enum wal_code wal_walk(struct wal_log *log, struct wal_survey *survey, struct wal_account *account,
                       uint64_t watermark, char *why, size_t why_bytes);

/* wal_quarantine.c */
void wal_quarantine(struct wal_log *log, struct wal_account *account,
                    const struct disk_listing *list);
/* Moves a foreign or unreadable file aside (REC-5.1, REC-5.2). */
void wal_set_aside(struct wal_log *log, const struct wal_segment *segment);

/* wal_report.c */
void wal_names_add(struct wal_names *names, const char *name);
void wal_names_sort(struct wal_names *names); /* and each name once */
void wal_report_add(struct wal_report *report, const struct wal_damage *damage);
void wal_report_free(struct wal_report *report);

#endif
