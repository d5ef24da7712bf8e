/* Times as RFC 3339 text in its one canonical spelling (FMT-2.6), and UTF-8 (FMT-2.4). */
#include <stdio.h>

#include "wal_format.h"

/* Days since 1970-01-01 of a civil date, and back: the era arithmetic of the proleptic calendar. */
static uint64_t days_from_civil(unsigned year, unsigned month, unsigned day) {
    year -= month <= 2;
    unsigned era = year / 400, year_of_era = year % 400;
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (uint64_t)era * 146097 + day_of_era - 719468;
}

static void civil_from_days(uint64_t days, unsigned *year, unsigned *month, unsigned *day) {
    uint64_t shifted = days + 719468;
    unsigned era = (unsigned)(shifted / 146097), day_of_era = (unsigned)(shifted % 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

size_t wal_time_format(struct wal_time time, char text[31]) {
    unsigned year, month, day, second = (unsigned)(time.seconds % 86400);
    civil_from_days(time.seconds / 86400, &year, &month, &day);
    char buffer[64];
    int length = snprintf(buffer, sizeof buffer, "%04u-%02u-%02uT%02u:%02u:%02u", year, month, day,
                          second / 3600, second / 60 % 60, second % 60);
    uint32_t ns = time.nanoseconds;
    size_t used = (size_t)length, room = sizeof buffer - used;
    if (ns % 1000 != 0) /* the fewest digits of 0, 3, 6, 9 that lose nothing */
        length = snprintf(buffer + used, room, ".%09uZ", ns);
    else if (ns % 1000000 != 0)
        length = snprintf(buffer + used, room, ".%06uZ", ns / 1000);
    else if (ns != 0)
        length = snprintf(buffer + used, room, ".%03uZ", ns / 1000000);
    else
        length = snprintf(buffer + used, room, "Z");
    used += (size_t)length;
    if (used > 30) used = 30; /* cannot be: the year has four digits up to WAL_TIME_SECONDS_MAX */
    memcpy(text, buffer, used);
    text[used] = '\0';
    return used;
}

/* So many digits at text + at, or -1. */
static int digits(const uint8_t *text, size_t at, size_t count) {
    int value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool wal_time_parse(const uint8_t *text, size_t length, struct wal_time *time) {
    if (length < 20 || length > 30) return false;
    int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    time->nanoseconds = 0;
    if (length > 20) {
        int fraction = 0;
        for (size_t i = 20; i < 29; i++) {
            int digit = i < length - 1 ? digits(text, i, 1) : 0;
            if (digit < 0) return false;
            fraction = fraction * 10 + digit;
        }
        time->nanoseconds = (uint32_t)fraction;
    }
    time->seconds = days_from_civil((unsigned)year, (unsigned)month, (unsigned)day) * 86400 +
                    (uint64_t)(hour * 3600 + minute * 60 + second);
    /* Whatever else may be wrong (a 31st of June, a space for the T) is not what would be written. */
    char canonical[31];
    return wal_time_format(*time, canonical) == length && memcmp(canonical, text, length) == 0;
}

size_t wal_timestamp_encode(struct wal_time time, uint8_t into[WAL_TIMESTAMP_BYTES_MAX]) {
    char text[31];
    size_t length = wal_time_format(time, text);
    wal_put64(into, length);
    memcpy(into + 8, text, length);
    return 8 + length;
}

struct wal_time wal_timestamp_read(struct wal_cursor *c) {
    struct wal_time time = {0, 0};
    size_t start = c->at;
    uint64_t length = wal_cursor_u64(c);
    if (c->code != WAL_OK) return time;
    if (length < 20 || length > 30 || length > c->end - c->at) {
        wal_cursor_fail(c, WAL_LENGTH_OUT_OF_RANGE, start);
        return time;
    }
    const uint8_t *text = wal_cursor_take(c, (size_t)length);
    size_t good = wal_utf8_valid_prefix(text, (size_t)length);
    if (good < length) wal_cursor_fail(c, WAL_INVALID_TEXT, start + 8 + good);
    if (!wal_time_parse(text, (size_t)length, &time)) wal_cursor_fail(c, WAL_INVALID_TEXT, start + 8);
    return time;
}

size_t wal_utf8_valid_prefix(const uint8_t *s, size_t length) {
    size_t i = 0;
    while (i < length) {
        uint8_t lead = s[i];
        bool is_lead = lead < 0x80 || (lead >= 0xC2 && lead <= 0xF4);
        size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if (!is_lead || more > length - i - 1) return i;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xC0) != 0x80) return i;
        if (more >= 2) { /* not overlong, no surrogate, not above U+10FFFF */
            uint8_t second = s[i + 1];
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
                return i;
        }
        i += more + 1;
    }
    return length;
}
