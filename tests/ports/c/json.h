/* JSON as the adapter needs it: strict to read (RFC 8259), plain to write. Knows nothing of logs.
 *
 * A number keeps its text, so that none is rounded by being read. A lone surrogate that is escaped
 * stays recognisable: its three bytes are not UTF-8.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    const char *text; /* of a string, decoded; of a number, as it was written */
    size_t length;
    const char *key; /* of a member of an object; may hold zeros */
    size_t key_length;
    struct json *first, *next; /* items of an array, members of an object, repeated ones too */
};

struct json_chunk;
struct json_document {
    struct json *root;
    struct json_chunk *chunks;
    char *texts;
};

/* Null, or what is wrong with it, and then there is no root. The document is freed by json_free in
 * both cases. */
const char *json_parse(struct json_document *document, const char *text, size_t length);
void json_free(struct json_document *document);

/* All of these take a null node for "it is not there". */
const struct json *json_member(const struct json *object, const char *key);
bool json_is_text(const struct json *node, const char *text);
/* A number without sign, point or exponent, or a string of such digits. */
bool json_is_integer(const struct json *node, uint64_t *value);
bool json_is_decimal(const struct json *node, uint64_t *value);

/* Text that grows. */
struct json_text {
    char *bytes;
    size_t length, room;
};
void json_add(struct json_text *text, const char *bytes, size_t length);
void json_say(struct json_text *text, const char *words);
void json_quote(struct json_text *text, const char *bytes, size_t length);
void json_unsigned(struct json_text *text, uint64_t value); /* 7 */
void json_decimal(struct json_text *text, uint64_t value);  /* "7" */
void json_hex(struct json_text *text, const uint8_t *bytes, size_t length); /* without quotes */
/* Bytes of lowercase hexadecimal; false if it is none. `into` has room for half of the length. */
bool json_unhex(const struct json *node, uint8_t *into, size_t *count);

#endif
