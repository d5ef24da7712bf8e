/* Writing JSON, and asking what was read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

const struct json *json_member(const struct json *object, const char *key) {
    if (object == NULL || object->type != JSON_OBJECT) return NULL;
    size_t length = strlen(key);
    for (const struct json *item = object->first; item != NULL; item = item->next)
        if (item->key_length == length && memcmp(item->key, key, length) == 0) return item;
    return NULL;
}

bool json_is_text(const struct json *node, const char *text) {
    return node != NULL && node->type == JSON_STRING && node->length == strlen(text) &&
           memcmp(node->text, text, node->length) == 0;
}

static bool is_unsigned(const char *text, size_t length, uint64_t *value) {
    if (length == 0 || (length > 1 && text[0] == '0')) return false;
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || *value > (UINT64_MAX - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    return true;
}

bool json_is_integer(const struct json *node, uint64_t *value) {
    return node != NULL && node->type == JSON_NUMBER && is_unsigned(node->text, node->length, value);
}

bool json_is_decimal(const struct json *node, uint64_t *value) {
    return node != NULL && node->type == JSON_STRING && is_unsigned(node->text, node->length, value);
}

void json_add(struct json_text *text, const char *bytes, size_t length) {
    if (length > text->room - text->length) {
        text->room = text->room * 2 + length;
        text->bytes = realloc(text->bytes, text->room);
        if (text->bytes == NULL) abort();
    }
    if (length > 0) memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

void json_say(struct json_text *text, const char *words) { json_add(text, words, strlen(words)); }

void json_quote(struct json_text *text, const char *bytes, size_t length) {
    json_say(text, "\"");
    for (size_t i = 0; i < length; i++) {
        static const char special[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
        unsigned char c = (unsigned char)bytes[i];
        const char *found = c != '\0' ? strchr(special, c) : NULL;
        char escape[8];
        if (found != NULL)
            snprintf(escape, sizeof escape, "\\%c", names[found - special]);
        else if (c < 0x20)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else if (c == 0xED && length - i > 2 && ((unsigned char)bytes[i + 1] & 0xE0) == 0xA0) {
            /* a lone surrogate, as json_parse keeps it: an escape again, for it is not UTF-8 */
            snprintf(escape, sizeof escape, "\\u%04x",
                     0xD000u | (bytes[i + 1] & 0x3Fu) << 6 | (bytes[i + 2] & 0x3Fu));
            i += 2;
        }
        else
            snprintf(escape, sizeof escape, "%c", c);
        json_say(text, escape);
    }
    json_say(text, "\"");
}

void json_unsigned(struct json_text *text, uint64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    json_say(text, digits);
}

void json_decimal(struct json_text *text, uint64_t value) {
    json_say(text, "\"");
    json_unsigned(text, value);
    json_say(text, "\"");
}

void json_hex(struct json_text *text, const uint8_t *bytes, size_t length) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        json_add(text, pair, 2);
    }
}

bool json_unhex(const struct json *node, uint8_t *into, size_t *count) {
    if (node == NULL || node->type != JSON_STRING || node->length % 2 != 0) return false;
    for (size_t i = 0; i < node->length; i++) {
        char c = node->text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return false;
        into[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : into[i / 2] | digit);
    }
    *count = node->length / 2;
    return true;
}
