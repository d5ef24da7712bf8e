/* CRC-32 (FMT-1.2): IEEE 802.3, reflected, as zlib's. Not CRC-32C. */
#include "wal_format.h"

enum { SLICES = 8 };

static uint32_t tables[SLICES][256]; /* filled by the first call, which no other thread may share */

static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
        tables[0][byte] = crc;
    }
    for (int slice = 1; slice < SLICES; slice++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = before >> 8 ^ tables[0][before & 0xFF];
        }
}

uint32_t wal_crc32(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    if (tables[0][1] == 0) fill_tables();
    crc = ~crc;
    for (; length >= 8; length -= 8, p += 8) { /* eight bytes a step: recovery reads everything */
        uint32_t low = wal_get32(p) ^ crc, high = wal_get32(p + 4);
        crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^
              tables[4][low >> 24] ^ tables[3][high & 0xFF] ^ tables[2][high >> 8 & 0xFF] ^
              tables[1][high >> 16 & 0xFF] ^ tables[0][high >> 24];
    }
    while (length-- > 0) crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xFF];
    return ~crc;
}
