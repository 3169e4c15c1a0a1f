/* The sure half of judging: which cells of a column surely break no rule of it. All others are left to those who decide. */
#include "kernel.h"

enum { ANY, PATTERN, NUMBER, LIST };                                /* kinds */
enum { EMPTY = 1, BEGINS = 2, EDGES = 4, EXPONENTS = 8, COMMAS = 16 }; /* what is asked */
enum { SEEN_EXPONENT = 1, SEEN_COMMA = 2 };

/* What a cell must be; all of it. */
typedef struct {
    uint32_t kind, asked;
    uint64_t bytes_max, signs_min;
    double low, high;                    /* of a NUMBER */
    const uint8_t *next, *accepts;       /* of a PATTERN: [state][byte] -> state, from state 1 on; 0 = never any more */
    const uint32_t *slots, *stops;       /* of a LIST: by hash the number of a text + 1; where texts end */
    const uint8_t *texts;
    uint32_t slots_mask;
} Program;

/* Room for as many rows as there are: those that are not surely clean; those of which nothing else is asked, for they are
 * surely wrong; and those whose text may not be their key. The last two may be NULL. */
typedef struct {
    uint32_t *unsure, *wrong, *not_plain;
    uint64_t unsures, wrongs, not_plains, rows, seen;
} Verdict;

static inline uint32_t sign_at(const uint8_t *text, const uint8_t *end) {
    const uint8_t first = *text;
    if (first < 0x80) return first;
    if (first < 0xE0) return (uint32_t)(first & 0x1F) << 6 | (text[1] & 0x3F);
    if (first < 0xF0) return (uint32_t)(first & 0x0F) << 12 | (uint32_t)(text[1] & 0x3F) << 6 | (text[2] & 0x3F);
    (void)end;
    return 0x10000;
}

/* White_Space of Unicode, and U+FEFF. */
static inline int is_white(uint32_t sign) {
    if (sign < 0x80) return sign == ' ' || (sign >= 9 && sign <= 13);
    return sign == 0x85 || sign == 0xA0 || sign == 0x1680 || (sign >= 0x2000 && sign <= 0x200A) || sign == 0x2028 ||
           sign == 0x2029 || sign == 0x202F || sign == 0x205F || sign == 0x3000 || sign == 0xFEFF;
}

static inline int begins_visible(const uint8_t *text, uint64_t size) {
    return size && !is_white(sign_at(text, text + size));
}

static inline int ends_visible(const uint8_t *text, uint64_t size) {
    if (!size) return 0;
    const uint8_t *last = text + size - 1;
    while (last > text && (*last & 0xC0) == 0x80) last--;
    return !is_white(sign_at(last, text + size));
}

uint64_t douane_hash(const uint8_t *text, uint64_t size) {
    uint64_t hash = 0x9E3779B97F4A7C15ull ^ size, word = 0;
    const uint8_t *end = text + size;
    for (; end - text > 8; text += 8) {
        memcpy(&word, text, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93ull;
        hash ^= hash >> 32;
    }
    if (size >= 8) {
        memcpy(&word, end - 8, 8);              /* the last eight, some of them again */
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, text, 4);
        memcpy(&last, end - 4, 4);
        word = (uint64_t)first << 32 | last;
    } else if (size) {
        word = (uint64_t)text[0] << 16 | (uint64_t)text[size / 2] << 8 | end[-1];
    }
    hash = (hash ^ word) * 0xD6E8FEB86659FD93ull;
    return hash ^ hash >> 29;
}

EXPORT uint64_t douane_list_hash(const uint8_t *text, uint64_t size) { return douane_hash(text, size); }

static int in_list(const Program *program, const uint8_t *text, uint64_t size) {
    uint32_t slot = (uint32_t)douane_hash(text, size) & program->slots_mask;
    for (uint32_t number; (number = program->slots[slot]) != 0; slot = (slot + 1) & program->slots_mask) {
        const uint32_t from = number > 1 ? program->stops[number - 2] : 0, to = program->stops[number - 1];
        if (to - from == size && memcmp(program->texts + from, text, size) == 0) return 1;
    }
    return 0;
}

/* -?digits(.digits)? of at most 15 digits: both halves of the fraction are exact, so the quotient is the very double. */
static int is_number(const Program *program, const uint8_t *text, uint64_t size) {
    static const double POWERS[16] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t at = text[0] == '-', digits = 0, decimals = 0;
    int64_t value = 0;
    const uint64_t first = at;
    if (size > 17) return 0;
    for (; at < size && (uint8_t)(text[at] - '0') < 10; at++, digits++) value = value * 10 + (text[at] - '0');
    if (at == first) return 0;
    if (at < size) {
        if (text[at++] != '.' || at == size) return 0;
        for (; at < size && (uint8_t)(text[at] - '0') < 10; at++, decimals++) value = value * 10 + (text[at] - '0');
    }
    if (at < size || digits + decimals > 15) return 0;
    double number = (double)value / POWERS[decimals];
    if (first) number = -number;
    return number >= program->low && number <= program->high;
}

static inline uint64_t signs_in(const uint8_t *text, uint64_t size) {
    uint64_t count = 0;
    for (uint64_t at = 0; at < size; at++) count += (text[at] & 0xC0) != 0x80;
    return count;
}

static inline int fits(const Program *program, const uint8_t *text, uint64_t size) {
    if (size > program->bytes_max) return 0;
    if ((program->asked & BEGINS) && !begins_visible(text, size)) return 0;
    if ((program->asked & EDGES) && !(begins_visible(text, size) && ends_visible(text, size))) return 0;
    return program->signs_min <= 1 || signs_in(text, size) >= program->signs_min;
}

static inline int is_clean(const Program *program, const uint8_t *text, uint64_t size) {
    if (!size) return (program->asked & EMPTY) != 0;
    if (!fits(program, text, size)) return 0;
    switch (program->kind) {
        case PATTERN: {
            uint32_t state = 1;
            for (uint64_t at = 0; at < size; at++) state = program->next[state << 8 | text[at]];
            return program->accepts[state];
        }
        case NUMBER: return is_number(program, text, size);
        case LIST: return in_list(program, text, size);
        default: return 1;
    }
}

static inline const uint8_t *text_of(const View *view, const uint8_t *const *buffers) {
    return view->length <= 12 ? view->inlined : buffers[view->far.buffer] + view->far.offset;
}

static int has_exponent(const uint8_t *text, uint64_t size) {
    for (uint64_t at = 0; at + 1 < size; at++)
        if (text[at] == 'E' && text[at + 1] == '+') return 1;
    return 0;
}

/* Four patterns at a time: each waits for its own last step, not for the others'. */
static void four(const Program *program, const uint8_t *const text[4], const uint64_t size[4], int clean[4]) {
    const uint8_t *next = program->next;
    uint32_t state[4] = {1, 1, 1, 1};
    uint64_t least = size[0];
    for (int i = 1; i < 4; i++) least = size[i] < least ? size[i] : least;
    for (uint64_t at = 0; at < least; at++)
        for (int i = 0; i < 4; i++) state[i] = next[state[i] << 8 | text[i][at]];
    for (int i = 0; i < 4; i++) {
        for (uint64_t at = least; at < size[i]; at++) state[i] = next[state[i] << 8 | text[i][at]];
        clean[i] = program->accepts[state[i]];
    }
}

static void judge(const Program *program, const ArrowArray *array, Verdict *out) {
    const uint8_t *present = array->null_count ? array->buffers[0] : NULL;
    const View *views = (const View *)array->buffers[1] + array->offset;
    const uint8_t *const *buffers = (const uint8_t *const *)(array->buffers + 2);
    const uint64_t first_bit = (uint64_t)array->offset, rows = (uint64_t)array->length;
    const int keyed = out->not_plain != NULL;
    for (uint64_t begin = 0; begin < rows; begin += 4) {
        const int many = rows - begin < 4 ? (int)(rows - begin) : 4;
        const uint8_t *text[4];
        uint64_t size[4];
        int clean[4], here[4], together = program->kind == PATTERN && many == 4;
        for (int i = 0; i < many; i++) {
            const uint64_t bit = first_bit + begin + (uint64_t)i;
            text[i] = text_of(&views[begin + (uint64_t)i], buffers);
            size[i] = views[begin + (uint64_t)i].length;
            here[i] = present == NULL || (present[bit / 8] >> bit % 8 & 1);
            together &= here[i] && size[i] && fits(program, text[i], size[i]);
        }
        if (together) four(program, text, size, clean);
        else
            for (int i = 0; i < many; i++) clean[i] = here[i] && is_clean(program, text[i], size[i]);
        for (int i = 0; i < many; i++) {
            const uint32_t row = (uint32_t)(out->rows + begin + (uint64_t)i);
            if (UNLIKELY(!clean[i])) {
                if (out->wrong != NULL && here[i] && size[i] && begins_visible(text[i], size[i]) &&
                    ends_visible(text[i], size[i]))
                    out->wrong[out->wrongs++] = row;
                else out->unsure[out->unsures++] = row;
                if ((program->asked & COMMAS) && here[i] && size[i] && memchr(text[i], ',', size[i]) != NULL)
                    out->seen |= SEEN_COMMA;
            }
            if ((program->asked & EXPONENTS) && here[i] && size[i] && text[i][0] < ':' && has_exponent(text[i], size[i]))
                out->seen |= SEEN_EXPONENT;
            if (keyed && !(clean[i] && begins_visible(text[i], size[i]) && ends_visible(text[i], size[i])))
                out->not_plain[out->not_plains++] = row;
        }
    }
    out->rows += rows;
}

/* A column of string views. 0, or -1 where it is something else or has more rows than `room`. */
EXPORT int douane_judge(ArrowArrayStream *column, const Program *program, uint64_t room, Verdict *out) {
    ArrowSchema schema;
    if (column->get_schema(column, &schema)) return -1;
    const int views = strcmp(schema.format, "vu") == 0;
    if (schema.release != NULL) schema.release(&schema);
    if (!views) return -1;
    for (;;) {
        ArrowArray array;
        if (column->get_next(column, &array)) return -1;
        if (array.release == NULL) return 0;
        const int enough = out->rows + (uint64_t)array.length <= room;
        if (enough) judge(program, &array, out);
        array.release(&array);
        if (!enough) return -1;
    }
}
