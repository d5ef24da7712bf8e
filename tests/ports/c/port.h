/* What the parts of this port share: the operations that fill adapter_operations. */
#ifndef PORT_H
#define PORT_H

#include "adapter.h"
#include "wal.h"

/* The bytes of a hexadecimal field, to be freed; false, with the error in the reply, if it is none. */
bool port_bytes(const struct json *request, const char *field, struct json_text *reply,
                uint8_t **bytes, size_t *length);
void port_event_hex(struct json_text *text, const struct wal_event *event); /* its encoding */
/* InvalidJsonLine: which field is wrong, if one can be named, and in which line; 0: in none. */
void port_no_event(struct json_text *reply, struct wal_text field, uint64_t line_number);
void port_time_ns(struct json_text *text, struct wal_time time); /* nanoseconds since 1970, in full */
void port_report(const struct wal_report *report, struct json_text *text);

/* The one log that may be open; null: none. */
extern struct wal_log *port_log_open;
/* Answers with WalClosed, and is true, if there is none. */
bool port_is_closed(struct json_text *reply);
void port_fail(struct json_text *reply, enum wal_code code, const char *why);
void *port_allocate(size_t count, size_t bytes); /* zeros, and room for one more */

/* port_codec.c */
void port_decode(const struct json *request, struct json_text *reply);
void port_encode(const struct json *request, struct json_text *reply);
/* port_bytes.c */
void port_crc(const struct json *request, struct json_text *reply);
void port_segment_name(const struct json *request, struct json_text *reply);
void port_segment_number(const struct json *request, struct json_text *reply);
void port_header(const struct json *request, struct json_text *reply);
void port_slot(const struct json *request, struct json_text *reply);
void port_frame(const struct json *request, struct json_text *reply);
void port_timestamp(const struct json *request, struct json_text *reply);
void port_json_line(const struct json *request, struct json_text *reply);
/* port_log.c, port_append.c */
void port_open(const struct json *request, struct json_text *reply);
void port_append(const struct json *request, struct json_text *reply);
void port_append_batch(const struct json *request, struct json_text *reply);
void port_acknowledge(const struct json *request, struct json_text *reply);
void port_refuse(const struct json *request, struct json_text *reply);
void port_replay(const struct json *request, struct json_text *reply);
void port_status(const struct json *request, struct json_text *reply);
void port_close(const struct json *request, struct json_text *reply);
void port_recover(const struct json *request, struct json_text *reply);

#endif
