/* Reading is strict and names the first field that is wrong; writing has one spelling. */
#include "event_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum field {
    EVENT_TYPE, PID, PPID, NAME, EXECUTABLE_PATH, COMMAND_LINE, START_TIME, CPU_USAGE, MEMORY_USAGE,
    EXECUTABLE_HASH, HASH_ALGORITHM, USER_ID, ACCESSIBLE, FILE_EXISTS, TIMESTAMP, PLATFORM_METADATA,
    FIELDS
};
static const char *const names[FIELDS] = {
    "event_type", "pid", "ppid", "name", "executable_path", "command_line", "start_time", "cpu_usage",
    "memory_usage", "executable_hash", "hash_algorithm", "user_id", "accessible", "file_exists",
    "timestamp", "platform_metadata"};
static const char *const types[] = {"start", "stop", "modify"};

/* ---- reading ---- */

static bool read_text(const struct json *node, struct wal_text *text) {
    if (node->type != JSON_STRING) return false;
    *text = (struct wal_text){(const uint8_t *)node->text, node->length, true};
    return wal_utf8_valid_prefix(text->bytes, text->length) == text->length; /* no lone surrogate */
}

static bool read_optional(const struct json *node, struct wal_text *text) {
    return node->type == JSON_NULL || read_text(node, text);
}

static bool read_u32(const struct json *node, uint32_t *value) {
    uint64_t wide;
    if (!json_is_integer(node, &wide) || wide > UINT32_MAX) return false;
    *value = (uint32_t)wide;
    return true;
}

static bool read_bool(const struct json *node, bool *value) {
    *value = node->type == JSON_TRUE;
    return node->type == JSON_TRUE || node->type == JSON_FALSE;
}

static bool read_time(const struct json *node, struct wal_time *time) {
    return node->type == JSON_STRING &&
           wal_time_parse((const uint8_t *)node->text, node->length, time);
}

static bool read_float(const struct json *node, double *value) {
    if (node->type != JSON_NUMBER) return false;
    char *text = malloc(node->length + 1); /* strtod wants an end */
    if (text == NULL) abort();
    memcpy(text, node->text, node->length);
    text[node->length] = '\0';
    *value = strtod(text, NULL);
    free(text);
    return isfinite(*value);
}

static bool read_items(const struct json *node, struct wal_event *event, struct json_text *items) {
    if (node->type != JSON_ARRAY) return false;
    for (const struct json *item = node->first; item != NULL; item = item->next) {
        struct wal_text text;
        uint8_t length[8];
        if (!read_text(item, &text)) return false;
        wal_put64(length, text.length);
        json_add(items, (const char *)length, sizeof length);
        json_add(items, (const char *)text.bytes, text.length);
        event->command_line_items++;
    }
    event->command_line = (struct wal_text){(const uint8_t *)items->bytes, items->length, true};
    return true;
}

static bool read_type(const struct json *node, struct wal_event *event) {
    for (uint32_t i = 0; i < 3; i++)
        if (json_is_text(node, types[i])) {
            event->event_type = i;
            return true;
        }
    return false;
}

static bool read_field(enum field field, const struct json *node, struct wal_event *e,
                       struct json_text *items) {
    bool is_there = node->type != JSON_NULL;
    switch (field) {
    case EVENT_TYPE: return read_type(node, e);
    case PID: return read_u32(node, &e->pid);
    case PPID: return !(e->has_ppid = is_there) || read_u32(node, &e->ppid);
    case NAME: return read_text(node, &e->name);
    case EXECUTABLE_PATH: return read_optional(node, &e->executable_path);
    case COMMAND_LINE: return read_items(node, e, items);
    case START_TIME: return !(e->has_start_time = is_there) || read_time(node, &e->start_time);
    case CPU_USAGE: return !(e->has_cpu_usage = is_there) || read_float(node, &e->cpu_usage);
    case MEMORY_USAGE:
        return !(e->has_memory_usage = is_there) || json_is_integer(node, &e->memory_usage);
    case EXECUTABLE_HASH: return read_optional(node, &e->executable_hash);
    case HASH_ALGORITHM: return read_optional(node, &e->hash_algorithm);
    case USER_ID: return read_optional(node, &e->user_id);
    case ACCESSIBLE: return read_bool(node, &e->accessible);
    case FILE_EXISTS: return read_bool(node, &e->file_exists);
    case TIMESTAMP: return read_time(node, &e->timestamp);
    case PLATFORM_METADATA: return read_optional(node, &e->platform_metadata);
    default: return false;
    }
}

static struct wal_text named(const char *text, size_t length) {
    return (struct wal_text){(const uint8_t *)text, length, true};
}

static bool is_field(const struct json *item) {
    for (int i = 0; i < FIELDS; i++)
        if (item->key_length == strlen(names[i]) && memcmp(item->key, names[i], item->key_length) == 0)
            return true;
    return false;
}

bool event_from_json(const struct json *object, struct wal_event *event, struct json_text *items,
                     struct wal_text *field) {
    memset(event, 0, sizeof *event);
    *field = (struct wal_text){NULL, 0, false};
    if (object == NULL || object->type != JSON_OBJECT) return false;
    for (const struct json *item = object->first; item != NULL; item = item->next)
        for (const struct json *before = object->first; before != item; before = before->next)
            if (before->key_length == item->key_length &&
                memcmp(before->key, item->key, item->key_length) == 0) {
                *field = named(item->key, item->key_length);
                return false;
            }
    for (const struct json *item = object->first; item != NULL; item = item->next)
        if (!is_field(item)) {
            *field = named(item->key, item->key_length);
            return false;
        }
    for (int i = 0; i < FIELDS; i++) {
        const struct json *node = json_member(object, names[i]);
        if (node != NULL && read_field((enum field)i, node, event, items)) continue;
        *field = named(names[i], strlen(names[i]));
        return false;
    }
    if (event->executable_hash.present == event->hash_algorithm.present) return true;
    *field = named(names[EXECUTABLE_HASH], strlen(names[EXECUTABLE_HASH])); /* EVT-1.3 */
    return false;
}

/* ---- writing ---- */

void event_float(double value, struct json_text *text) {
    char digits[40], *exponent_at;
    int precision = 0;
    do snprintf(digits, sizeof digits, "%.*e", precision, value);
    while (strtod(digits, NULL) != value && precision++ < 17);
    exponent_at = strchr(digits, 'e');
    long exponent = strtol(exponent_at + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16) { /* 1e+16, 1.5e-05: printf's own spelling */
        json_say(text, digits);
        return;
    }
    /* With a point, and so many digits behind it as there are, but one at least. */
    int places = precision - (int)exponent;
    snprintf(digits, sizeof digits, "%.*f", places > 1 ? places : 1, value);
    json_say(text, digits);
}

static void say_text(struct json_text *line, struct wal_text text) {
    if (text.present)
        json_quote(line, (const char *)text.bytes, text.length);
    else
        json_say(line, "null");
}

static void say_time(struct json_text *line, bool is_there, struct wal_time time) {
    char text[31];
    struct wal_text view = {(const uint8_t *)text, is_there ? wal_time_format(time, text) : 0, is_there};
    say_text(line, view);
}

void event_to_json(const struct wal_event *e, struct json_text *line, bool memory_as_text) {
    for (int i = 0; i < FIELDS; i++) {
        json_say(line, i == 0 ? "{\"" : ",\"");
        json_say(line, names[i]);
        json_say(line, "\":");
        switch ((enum field)i) {
        case EVENT_TYPE: json_quote(line, types[e->event_type], strlen(types[e->event_type])); break;
        case PID: json_unsigned(line, e->pid); break;
        case PPID: e->has_ppid ? json_unsigned(line, e->ppid) : json_say(line, "null"); break;
        case NAME: say_text(line, e->name); break;
        case EXECUTABLE_PATH: say_text(line, e->executable_path); break;
        case COMMAND_LINE: {
            const uint8_t *at = e->command_line.bytes;
            json_say(line, "[");
            for (uint64_t k = 0; k < e->command_line_items; k++) {
                struct wal_text item = {at + 8, (size_t)wal_get64(at), true};
                if (k > 0) json_say(line, ",");
                say_text(line, item);
                at += 8 + item.length;
            }
            json_say(line, "]");
            break;
        }
        case START_TIME: say_time(line, e->has_start_time, e->start_time); break;
        case CPU_USAGE:
            e->has_cpu_usage ? event_float(e->cpu_usage, line) : json_say(line, "null");
            break;
        case MEMORY_USAGE:
            if (!e->has_memory_usage)
                json_say(line, "null");
            else
                memory_as_text ? json_decimal(line, e->memory_usage) : json_unsigned(line, e->memory_usage);
            break;
        case EXECUTABLE_HASH: say_text(line, e->executable_hash); break;
        case HASH_ALGORITHM: say_text(line, e->hash_algorithm); break;
        case USER_ID: say_text(line, e->user_id); break;
        case ACCESSIBLE: json_say(line, e->accessible ? "true" : "false"); break;
        case FILE_EXISTS: json_say(line, e->file_exists ? "true" : "false"); break;
        case TIMESTAMP: say_time(line, true, e->timestamp); break;
        case PLATFORM_METADATA: say_text(line, e->platform_metadata); break;
        case FIELDS: break;
        }
    }
    json_say(line, "}");
}
