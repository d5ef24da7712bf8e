/* Between the protocol (adapter.c) and what is behind it (port_*.c).
 *
 * To put another log behind the adapter, keep adapter.c, adapter.h and json*.c, and write the
 * functions of one table for it: adapter_operations.
 */
#ifndef ADAPTER_H
#define ADAPTER_H

#include "json.h"

/* Writes what stands in the reply behind the id: one of the four below. */
typedef void (*adapter_answer)(const struct json *request, struct json_text *reply);

struct adapter_operation {
    const char *name;
    const char *fields; /* the request's, besides id and op, separated by spaces; all are needed */
    adapter_answer answer;
};
/* Written by the port: every operation that it has, and an entry of nulls at the end. The protocol's
 * own two, hello and bye, are the adapter's. */
extern const struct adapter_operation adapter_operations[];

/* The fields of hello, written by the port as JSON without the braces. */
extern const char adapter_hello[];

/* The rest of `"error": {`. `more` is further fields, as JSON that begins with a comma, or empty. */
void adapter_error(struct json_text *reply, const char *code, bool is_definite, const char *text,
                   const char *more);
/* The request makes no sense (rule 5). */
void adapter_bad_request(struct json_text *reply, const char *text);
/* `"ok": {}`, or say `"ok": {` and the fields yourself. */
void adapter_ok(struct json_text *reply);

#endif
