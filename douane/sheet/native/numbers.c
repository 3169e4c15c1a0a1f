/* Numbers of workbooks as text: those whose shortest exact decimal, or moment, is sure. `sheet/formats/cell_text.py` says
 * what a text is to be, and makes those that are left. */
#include "numbers.h"
#include "table.h"

enum { GIVEN_UP = -1, NO_MEMORY = -2 };
enum { DAY_MS = 86400000 };
enum { DATE = 1, DATETIME, TIME };              /* as in number_formats.py */
enum { KIND_DATE = 2, KIND_DATETIME, KIND_TIME };   /* as in formats/__init__.py */

static const double SCALES[] = {1e2, 1e4, 1e6};

/* Its digits, at least so many. */
static uint8_t *digits(uint8_t *to, uint64_t number, int least) {
    uint8_t held[20];
    int count = 0;
    do {
        held[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number || count < least);
    while (count) *to++ = held[--count];
    return to;
}

/* NULL: it is not sure. A decimal of at most 15 digits is the shortest of its double, as no other of so few digits has the
 * same; and a whole number below 2^53 over a power of ten is divided to the double nearest to that decimal. */
uint8_t *douane_decimal(uint8_t *to, double number) {
    if (!(number > -1e15 && number < 1e15)) return NULL;
    if (number == 0) {
        *to++ = '0';
        return to;
    }
    int places = 0;
    int64_t whole = (int64_t)number;
    if ((double)whole != number) {
        size_t i = 0;
        for (;; i++) {
            if (i == sizeof SCALES / sizeof *SCALES) return NULL;
            const double scaled = number * SCALES[i];
            if (!(scaled > -1e15 && scaled < 1e15)) return NULL;
            whole = (int64_t)(scaled + (number < 0 ? -0.5 : 0.5));
            if ((double)whole / SCALES[i] == number) break;
        }
        places = 2 * (int)(i + 1);
    }
    if (whole < 0) *to++ = '-';
    uint64_t held = (uint64_t)(whole < 0 ? -whole : whole), scale = 1;
    while (places && held % 10 == 0) {
        held /= 10;
        places--;
    }
    for (int i = 0; i < places; i++) scale *= 10;
    to = digits(to, held / scale, 1);
    if (places) {
        *to++ = '.';
        to = digits(to, held % scale, places);
    }
    return to;
}

static uint8_t *day_text(uint8_t *to, int64_t unix_day) {
    /* Days from 1 March of year 0 on, in eras of 400 years. */
    const int64_t days = unix_day + 719468, era = days / 146097, of_era = days % 146097;
    const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * of_year + 2) / 153, day = of_year - (153 * shifted + 2) / 5 + 1;
    const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    to = digits(to, (uint64_t)(year_of_era + era * 400 + (month <= 2)), 4);
    *to++ = '-';
    to = digits(to, (uint64_t)month, 2);
    *to++ = '-';
    return digits(to, (uint64_t)day, 2);
}

static uint8_t *clock_text(uint8_t *to, int64_t ms) {
    to = digits(to, (uint64_t)(ms / 3600000), 2);
    *to++ = ':';
    to = digits(to, (uint64_t)(ms / 60000 % 60), 2);
    *to++ = ':';
    to = digits(to, (uint64_t)(ms / 1000 % 60), 2);
    if (ms % 1000) {
        *to++ = '.';
        to = digits(to, (uint64_t)(ms % 1000), 3);
    }
    return to;
}

/* NULL: it is no day of the calendar, or one of its first, which are not as they seem. */
uint8_t *douane_moment(uint8_t *to, double number, int meaning, int from_1904, uint8_t *kind) {
    const int64_t end = from_1904 ? 2957004 : 2958466, first = from_1904 ? 1 : 61;
    if (!(number >= 0 && number < (double)end)) return NULL;
    const int64_t ms = (int64_t)(number * DAY_MS + 0.5);
    if (ms < DAY_MS && (!from_1904 || meaning == TIME)) {
        *kind = KIND_TIME;
        return clock_text(to, ms);
    }
    if (ms < first * DAY_MS || ms >= end * DAY_MS) return NULL;
    to = day_text(to, ms / DAY_MS - (from_1904 ? 24107 : 25569));
    *kind = KIND_DATE;
    if (meaning == DATE && ms % DAY_MS == 0) return to;
    *kind = KIND_DATETIME;
    *to++ = 'T';
    return clock_text(to, ms % DAY_MS);
}

/* The texts of so many numbers as the one column of `array`, null where one is not sure; `others`: which those are, with
 * room for all, `left`: how many. `meaning`: 0, or DATE to TIME, for which `kinds` says what each became. */
EXPORT int douane_number_texts(const double *numbers, uint64_t count, int meaning, int from_1904, uint8_t *kinds,
                               uint32_t *others, uint64_t *left, ArrowArray *array, ArrowSchema *schema) {
    *left = 0;
    if (count >= INT32_MAX / NUMBER_TEXT_MAX - 1) return GIVEN_UP;
    /* A short text is written before it is put into its view. */
    Table *table = douane_table(1, count, (count + 1) * NUMBER_TEXT_MAX);
    if (table == NULL) return NO_MEMORY;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *const begin = table->data + table->data_size;
        uint8_t *const end =
            meaning ? douane_moment(begin, numbers[i], meaning, from_1904, &kinds[i]) : douane_decimal(begin, numbers[i]);
        if (end == NULL) others[(*left)++] = (uint32_t)i;
        else put_text(table, 0, i, begin, (uint64_t)(end - begin));
    }
    const int failed = douane_table_columns(table, count, array, schema) ? NO_MEMORY : 0;
    douane_table_let_go(table);
    return failed;
}
