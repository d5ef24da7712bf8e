/* A strict reader and a plain writer of JSON. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, CHUNK_NODES = 64 };

struct json_chunk {
    struct json_chunk *next;
    size_t used;
    struct json nodes[CHUNK_NODES];
};

struct reader {
    struct json_document *document;
    const char *at, *end;
    char *texts; /* where the next decoded text goes */
    const char *wrong;
};

static void *allocate(void *old, size_t bytes) {
    void *memory = realloc(old, bytes);
    if (memory == NULL) abort(); /* an adapter without memory is better dead than wrong */
    return memory;
}

static struct json *fail(struct reader *r, const char *wrong) {
    if (r->wrong == NULL) r->wrong = wrong;
    return NULL;
}

static void skip_space(struct reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0') r->at++;
}

static bool take(struct reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static struct json *new_node(struct reader *r, enum json_type type) {
    struct json_chunk *chunk = r->document->chunks;
    if (chunk == NULL || chunk->used == CHUNK_NODES) {
        struct json_chunk *fresh = allocate(NULL, sizeof *fresh);
        fresh->next = chunk;
        fresh->used = 0;
        r->document->chunks = chunk = fresh;
    }
    struct json *node = &chunk->nodes[chunk->used++];
    memset(node, 0, sizeof *node);
    node->type = type;
    return node;
}

/* ---- strings ---- */

static long four_hex(struct reader *r) {
    long value = 0;
    if (r->end - r->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void put_code_point(struct reader *r, long c) {
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const int leads[] = {0, 0xC0, 0xE0, 0xF0};
    *r->texts++ = (char)(leads[more] | c >> 6 * more);
    while (more-- > 0) *r->texts++ = (char)(0x80 | (c >> 6 * more & 0x3F));
}

static bool read_escape(struct reader *r) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end) return false;
    char c = *r->at++;
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    if (found != NULL) {
        *r->texts++ = meant[found - names];
        return true;
    }
    long high = c == 'u' ? four_hex(r) : -1;
    if (high < 0) return false;
    if (high >= 0xD800 && high < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        const char *back = r->at;
        r->at += 2;
        long low = four_hex(r);
        if (low >= 0xDC00 && low < 0xE000)
            high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        else
            r->at = back; /* lone; what follows is read for itself */
    }
    put_code_point(r, high);
    return true;
}

/* The bytes of one character that is not ASCII, or 0 if it is not UTF-8. */
static size_t utf8_length(const char *at, const char *end) {
    const unsigned char *s = (const unsigned char *)at;
    size_t more = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : s[0] < 0xF5 ? 3 : 0;
    if (more == 0 || more >= (size_t)(end - at)) return 0;
    for (size_t i = 1; i <= more; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
    if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
    return more + 1;
}

static bool read_string(struct reader *r, const char **text, size_t *length) {
    *text = r->texts;
    if (!take(r, '"')) return false;
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = (unsigned char)*r->at;
        size_t count = c < 0x20 ? 0 : c < 0x80 ? 1 : utf8_length(r->at, r->end);
        if (count == 0) return false;
        if (c == '\\') {
            r->at++;
            if (!read_escape(r)) return false;
            continue;
        }
        memcpy(r->texts, r->at, count);
        r->texts += count;
        r->at += count;
    }
    *length = (size_t)(r->texts - *text);
    return take(r, '"');
}

/* ---- values ---- */

static bool skip_digits(struct reader *r) {
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return r->at > start;
}

static struct json *read_number(struct reader *r) {
    const char *start = r->at;
    take(r, '-');
    if (!take(r, '0') && !skip_digits(r)) return fail(r, "this is no value");
    if (take(r, '.') && !skip_digits(r)) return fail(r, "no digit behind the point");
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+')) take(r, '-');
        if (!skip_digits(r)) return fail(r, "no digit in the exponent");
    }
    struct json *node = new_node(r, JSON_NUMBER);
    node->text = start;
    node->length = (size_t)(r->at - start);
    return node;
}

static struct json *read_word(struct reader *r, const char *word, enum json_type type) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return fail(r, "this is no value");
    r->at += length;
    return new_node(r, type);
}

static struct json *read_value(struct reader *r, int depth);

static struct json *read_items(struct reader *r, enum json_type type, char close, int depth) {
    struct json *node = new_node(r, type), **link = &node->first;
    r->at++;
    skip_space(r);
    if (take(r, close)) return node;
    do {
        const char *key = NULL;
        size_t key_length = 0;
        skip_space(r);
        if (type == JSON_OBJECT) {
            if (!read_string(r, &key, &key_length)) return fail(r, "a member has no name");
            skip_space(r);
            if (!take(r, ':')) return fail(r, "a name has no colon");
        }
        struct json *item = read_value(r, depth + 1);
        if (item == NULL) return NULL;
        item->key = key;
        item->key_length = key_length;
        *link = item;
        link = &item->next;
        skip_space(r);
    } while (take(r, ','));
    return take(r, close) ? node : fail(r, "it is not closed");
}

static struct json *read_value(struct reader *r, int depth) {
    skip_space(r);
    if (depth > DEPTH_MAX) return fail(r, "it is too deep");
    if (r->at == r->end) return fail(r, "there is no value");
    switch (*r->at) {
    case '{': return read_items(r, JSON_OBJECT, '}', depth);
    case '[': return read_items(r, JSON_ARRAY, ']', depth);
    case 't': return read_word(r, "true", JSON_TRUE);
    case 'f': return read_word(r, "false", JSON_FALSE);
    case 'n': return read_word(r, "null", JSON_NULL);
    case '"': {
        struct json *node = new_node(r, JSON_STRING);
        bool is_read = read_string(r, &node->text, &node->length);
        return is_read ? node : fail(r, "a string is not right");
    }
    default: return read_number(r);
    }
}

const char *json_parse(struct json_document *document, const char *text, size_t length) {
    memset(document, 0, sizeof *document);
    /* No text is longer than its spelling, so one block has room for all of them. */
    document->texts = allocate(NULL, length + 1);
    struct reader r = {document, text, text + length, document->texts, NULL};
    document->root = read_value(&r, 0);
    skip_space(&r);
    if (r.wrong == NULL && r.at < r.end) r.wrong = "something stands behind it";
    if (r.wrong != NULL) document->root = NULL; /* half of a text is not an answer */
    return r.wrong;
}

void json_free(struct json_document *document) {
    while (document->chunks != NULL) {
        struct json_chunk *next = document->chunks->next;
        free(document->chunks);
        document->chunks = next;
    }
    free(document->texts);
    document->texts = NULL;
}
