/* JSON objects -> records of cells, by their keys; and where the values of a JSON text end.
 *
 * The rule is that of `sheet/formats/json.py`: numbers as they are written, strings decoded, nested values without the
 * white space in them, null and a missing key an absent cell. What is here is strict JSON in UTF-8 that needs no word of
 * explanation. All other values are odd, and left to Python one by one: keys named twice or not known, half a surrogate
 * pair, what is no object, what may be blank, what passes a limit. */
#include "scan.h"
#include "table.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { ODD = 1, GIVEN_UP = -1, NO_MEMORY = -2 };

#define NESTED_MAX 64                           /* a bit each; what is deeper is odd */
#define PROBES_MAX 32                           /* keys made to meet in a table cost no more than that */

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* The keys of a file, by number. Those that the table has no good place for are not found again: their objects are odd. */
typedef struct {
    uint64_t count, room, bytes_room;
    uint64_t *stops;                            /* behind each key in `bytes` */
    uint8_t *bytes;
    uint32_t *slots;                            /* number of a key + 1 */
    uint64_t slots_mask;
} Keys;

uint64_t douane_hash(const uint8_t *text, uint64_t size);

static inline const uint8_t *key_of(const Keys *keys, uint64_t number, uint64_t *length) {
    const uint64_t start = number ? keys->stops[number - 1] : 0;
    *length = keys->stops[number] - start;
    return keys->bytes + start;
}

static inline int is_key(const Keys *keys, uint64_t number, const uint8_t *text, uint64_t size) {
    uint64_t length;
    const uint8_t *key = key_of(keys, number, &length);
    return length == size && memcmp(key, text, size) == 0;
}

/* -1: not known. `likely`: which one is tried first. */
static inline int64_t number_of(const Keys *keys, const uint8_t *text, uint64_t size, uint64_t likely) {
    if (LIKELY(likely < keys->count && is_key(keys, likely, text, size))) return (int64_t)likely;
    if (keys->slots == NULL) return -1;
    uint64_t slot = douane_hash(text, size) & keys->slots_mask;
    for (int probe = 0; probe < PROBES_MAX; probe++, slot = (slot + 1) & keys->slots_mask) {
        const uint32_t number = keys->slots[slot];
        if (number == 0) return -1;
        if (is_key(keys, number - 1, text, size)) return number - 1;
    }
    return -1;
}

static void give_place(Keys *keys, uint64_t number) {
    uint64_t length;
    const uint8_t *key = key_of(keys, number, &length);
    uint64_t slot = douane_hash(key, length) & keys->slots_mask;
    for (int probe = 0; probe < PROBES_MAX; probe++, slot = (slot + 1) & keys->slots_mask)
        if (keys->slots[slot] == 0) {
            keys->slots[slot] = (uint32_t)number + 1;
            return;
        }
}

EXPORT Keys *douane_keys(void) { return calloc(1, sizeof(Keys)); }

EXPORT void douane_keys_let_go(Keys *keys) {
    free(keys->stops);
    free(keys->bytes);
    free(keys->slots);
    free(keys);
}

/* One more, that is not among them. 0, or there is no memory. */
EXPORT int douane_keys_add(Keys *keys, const uint8_t *text, uint64_t size) {
    const uint64_t begin = keys->count ? keys->stops[keys->count - 1] : 0;
    if (begin + size > keys->bytes_room || keys->bytes == NULL) {
        const uint64_t room = 2 * (begin + size) + 1024;
        uint8_t *more = realloc(keys->bytes, room);
        if (more == NULL) return NO_MEMORY;
        keys->bytes = more;
        keys->bytes_room = room;
    }
    if (keys->count == keys->room) {
        const uint64_t room = 2 * keys->room + 16;
        uint64_t *more = realloc(keys->stops, room * sizeof *more);
        uint32_t *slots = calloc(4 * room, sizeof *slots), *old = keys->slots;
        if (more != NULL) keys->stops = more;
        if (more == NULL || slots == NULL) {
            free(slots);
            return NO_MEMORY;
        }
        keys->room = room;
        uint64_t mask = 1;
        while (2 * mask <= 4 * room) mask *= 2;
        keys->slots_mask = mask - 1;
        keys->slots = slots;
        free(old);
        for (uint64_t i = 0; i < keys->count; i++) give_place(keys, i);
    }
    memcpy(keys->bytes + begin, text, size);
    keys->stops[keys->count] = begin + size;
    give_place(keys, keys->count++);
    return 0;
}

/* ---- where values end -------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t brackets;                          /* how many there are outside of strings */
    int64_t depth, depth_max;                   /* behind the last one; at most */
    uint64_t closed;                            /* behind the first that ends what is around the values; 0: none */
    uint64_t values, most_end, end;             /* values that end; behind the `most`th of them, and the last one */
} Ends;

/* `text` begins between values, within `depth` brackets. A quote behind an odd number of backslashes is none, wherever
 * it stands; brackets are told apart by their turn only. */
EXPORT void douane_json_ends(const uint8_t *text, uint64_t size, int64_t depth, uint64_t most, Ends *ends) {
    int64_t now = depth, deepest = INT64_MIN;
    uint64_t slashes = 0, slash = UINT64_MAX - 1;   /* how many stand in a row up to which place */
    int inside = 0;
    uint8_t tail[64];
    memset(ends, 0, sizeof *ends);
    for (uint64_t base = 0; base < size; base += 64) {
        const uint8_t *at = text + base;
        if (UNLIKELY(base + 64 > size)) {
            memset(tail, 0, sizeof tail);
            memcpy(tail, at, size - base);
            at = tail;
        }
        uint64_t signs = equal_64(at, '"') | equal_64(at, '\\');
        if (!inside || signs) signs |= equal_64(at, '{') | equal_64(at, '}') | equal_64(at, '[') | equal_64(at, ']');
        for (; signs; signs &= signs - 1) {
            const uint64_t place = base + (uint64_t)__builtin_ctzll(signs);
            const uint8_t sign = text[place];
            if (sign == '"') {
                if (!(slash + 1 == place && slashes % 2)) inside = !inside;
            } else if (sign == '\\') {
                slashes = slash + 1 == place ? slashes + 1 : 1;
                slash = place;
            } else if (!inside) {
                ends->brackets++;
                if (sign == '{' || sign == '[') {
                    now++;
                } else {
                    now--;
                    if (now == depth) {
                        ends->end = place + 1;
                        if (++ends->values == most) ends->most_end = ends->end;
                    } else if (now < depth && !ends->closed) {
                        ends->closed = place + 1;
                    }
                }
                if (now > deepest) deepest = now;
            }
        }
    }
    ends->depth = now;
    ends->depth_max = ends->brackets ? deepest : depth;
}

/* ---- one object -------------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t begin, stop, line, before;         /* its bytes; where it begins; how many records stand before it */
} Odd;

/* `lines`: one value a line, else values with commas between them where `depth` is 1 and nothing where it is 0.
 * `first`: no comma stands before the first value. `begin`, `line`: where reading begins; afterwards, where it stopped.
 * `most_odd`: reading stops behind that many. */
typedef struct {
    uint32_t lines, depth, first;
    uint32_t json_depth;
    uint64_t json_digits, cell_bytes;
    uint64_t begin, line;
    uint64_t room, most_odd;
    uint32_t *line_of;                          /* a record */
    Odd *odds;
    uint64_t records, odd;                      /* found */
    uint64_t last, last_line;                   /* where the last of them begins */
} Objects;

typedef struct {
    const uint8_t *text, *at, *end;
    const Keys *keys;
    Objects *out;
    Table *table;                               /* NULL: all is looked at and nothing is kept */
    uint64_t line;
    uint32_t *set;                              /* columns of this object, in the order they came */
    uint64_t *named_by;                         /* a column: the last object that named it */
    uint64_t sets, number;
    uint8_t *scratch;                           /* room for a decoded string */
    int high, solid;                            /* this object has more than ASCII in it; more than blanks */
} Reading;

static inline int is_space(uint8_t sign) { return sign == ' ' || sign == '\t' || sign == '\r' || sign == '\n'; }

/* A line end ends the value where values have lines. */
static inline void skip_space(Reading *now) {
    while (now->at < now->end && is_space(*now->at)) {
        if (*now->at == '\n') {
            if (now->out->lines) return;
            now->line++;
        }
        now->at++;
    }
}

static inline uint8_t sign_at(const Reading *now) { return now->at < now->end ? *now->at : 0; }

static inline int hex_of(uint8_t sign) {
    if ((uint8_t)(sign - '0') < 10) return sign - '0';
    sign |= 0x20;
    return (uint8_t)(sign - 'a') < 6 ? sign - 'a' + 10 : -1;
}

/* The four digits at `at`, -1: there are none. */
static int32_t unit_of(const uint8_t *at, const uint8_t *end) {
    int32_t unit = 0;
    if (end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_of(at[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* The escape that begins at `at`: its character, and how many bytes it has. 0 bytes: it is none, or half a pair. */
static uint32_t escape_at(const uint8_t *at, const uint8_t *end, uint32_t *sign) {
    if (end - at < 2) return 0;
    switch (at[1]) {
    case '"': case '\\': case '/': *sign = at[1]; return 2;
    case 'b': *sign = '\b'; return 2;
    case 'f': *sign = '\f'; return 2;
    case 'n': *sign = '\n'; return 2;
    case 'r': *sign = '\r'; return 2;
    case 't': *sign = '\t'; return 2;
    case 'u': break;
    default: return 0;
    }
    const int32_t unit = unit_of(at + 2, end);
    if (unit < 0 || (unit & 0xFC00) == 0xDC00) return 0;
    *sign = (uint32_t)unit;
    if ((unit & 0xFC00) != 0xD800) return 6;
    if (end - at < 12 || at[6] != '\\' || at[7] != 'u') return 0;
    const int32_t low = unit_of(at + 8, end);
    if (low < 0 || (low & 0xFC00) != 0xDC00) return 0;
    *sign = 0x10000 + (((uint32_t)unit & 0x3FF) << 10 | ((uint32_t)low & 0x3FF));
    return 12;
}

static inline uint8_t *utf8_to(uint8_t *to, uint32_t sign) {
    if (sign < 0x80) {
        *to++ = (uint8_t)sign;
    } else if (sign < 0x800) {
        *to++ = (uint8_t)(0xC0 | sign >> 6);
        *to++ = (uint8_t)(0x80 | (sign & 0x3F));
    } else if (sign < 0x10000) {
        *to++ = (uint8_t)(0xE0 | sign >> 12);
        *to++ = (uint8_t)(0x80 | (sign >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (sign & 0x3F));
    } else {
        *to++ = (uint8_t)(0xF0 | sign >> 18);
        *to++ = (uint8_t)(0x80 | (sign >> 12 & 0x3F));
        *to++ = (uint8_t)(0x80 | (sign >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (sign & 0x3F));
    }
    return to;
}

/* The next quote, backslash or control code. */
static inline const uint8_t *plain_run(const uint8_t *at, const uint8_t *end, int *high) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    while (end - at >= 16) {
        const __m128i signs = _mm_loadu_si128((const __m128i *)at);
        const __m128i special =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(signs, quote), _mm_cmpeq_epi8(signs, slash)),
                         _mm_cmpeq_epi8(_mm_min_epu8(signs, control), signs));
        const unsigned found = (unsigned)_mm_movemask_epi8(special), above = (unsigned)_mm_movemask_epi8(signs);
        if (found) {
            *high |= (above & ((found & -found) - 1)) != 0;
            return at + __builtin_ctz(found);
        }
        *high |= above != 0;
        at += 16;
    }
#endif
    for (; at < end && *at != '"' && *at != '\\' && *at > 0x1f; at++) *high |= *at >> 7;
    return at;
}

/* The string that begins at `at`: its text between the quotes, and whether escapes are in it. */
static inline int string_at(Reading *now, const uint8_t **begin, const uint8_t **stop, int *escaped) {
    const uint8_t *at = now->at + 1;
    *begin = at;
    *escaped = 0;
    for (;;) {
        at = plain_run(at, now->end, &now->high);
        if (at >= now->end) return ODD;
        if (LIKELY(*at == '"')) break;
        if (*at != '\\') return ODD;
        uint32_t sign;
        const uint32_t bytes = escape_at(at, now->end, &sign);
        if (bytes == 0) return ODD;
        *escaped = 1;
        at += bytes;
    }
    *stop = at;
    now->at = at + 1;
    return 0;
}

/* A string that is known to be good, decoded to `to`; its length. */
static uint64_t decoded(const uint8_t *at, const uint8_t *stop, uint8_t *to) {
    const uint8_t *begin = to;
    while (at < stop) {
        const uint8_t *slash = memchr(at, '\\', (size_t)(stop - at));
        const uint8_t *until = slash == NULL ? stop : slash;
        memcpy(to, at, (size_t)(until - at));
        to += until - at;
        if (slash == NULL) break;
        uint32_t sign = 0;
        at = slash + escape_at(slash, stop, &sign);
        to = utf8_to(to, sign);
    }
    return (uint64_t)(to - begin);
}

static inline int number_at(Reading *now) {
    const uint8_t *begin = now->at, *at = begin, *end = now->end;
    at += *at == '-';
    if (at < end && *at == '0') {
        at++;
    } else {
        const uint8_t *digits = at;
        while (at < end && (uint8_t)(*at - '0') < 10) at++;
        if (at == digits) return ODD;
    }
    if (at < end && *at == '.') {
        const uint8_t *digits = ++at;
        while (at < end && (uint8_t)(*at - '0') < 10) at++;
        if (at == digits) return ODD;
    }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        const uint8_t *digits = at;
        while (at < end && (uint8_t)(*at - '0') < 10) at++;
        if (at == digits) return ODD;
    }
    now->at = at;
    return (uint64_t)(at - begin) > now->out->json_digits ? ODD : 0;
}

static inline int word_at(Reading *now) {
    const char *word = *now->at == 't' ? "true" : *now->at == 'f' ? "false" : "null";
    const size_t size = strlen(word);
    if ((size_t)(now->end - now->at) < size || memcmp(now->at, word, size)) return ODD;
    now->at += size;
    return 0;
}

static inline int scalar_at(Reading *now) {
    const uint8_t *begin, *stop;
    int escaped;
    switch (sign_at(now)) {
    case '"': return string_at(now, &begin, &stop, &escaped);
    case 't': case 'f': case 'n': return word_at(now);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return number_at(now);
    default: return ODD;
    }
}

static inline int key_at(Reading *now) {
    const uint8_t *begin, *stop;
    int escaped;
    if (sign_at(now) != '"' || string_at(now, &begin, &stop, &escaped)) return ODD;
    skip_space(now);
    if (sign_at(now) != ':') return ODD;
    now->at++;
    skip_space(now);
    return 0;
}

/* The array or object that begins at `at`, within one object: over it. */
static int nested_at(Reading *now) {
    uint64_t objects = 0;                       /* a bit for each that is open: whether it is an object */
    uint32_t depth = 0;
    for (;;) {                                  /* here a value begins */
        const uint8_t sign = sign_at(now);
        if (sign == '{' || sign == '[') {
            if (++depth > NESTED_MAX || depth >= now->out->json_depth) return ODD;
            objects = objects << 1 | (sign == '{');
            now->at++;
            skip_space(now);
            if (sign_at(now) != (sign == '{' ? '}' : ']')) {
                if (sign == '{' && key_at(now)) return ODD;
                continue;
            }
        } else if (scalar_at(now)) {
            return ODD;
        }
        for (;;) {                              /* behind a value, or before the end of an empty one */
            skip_space(now);
            const uint8_t next = sign_at(now);
            if (next == ',') {
                now->at++;
                skip_space(now);
                if ((objects & 1) && key_at(now)) return ODD;
                break;
            }
            if (next != (objects & 1 ? '}' : ']')) return ODD;
            now->at++;
            objects >>= 1;
            if (--depth == 0) return 0;
        }
    }
}

/* JSON that is known to be good, without the white space between its parts; its length. */
static uint64_t compact(const uint8_t *at, const uint8_t *stop, uint8_t *to) {
    const uint8_t *begin = to;
    int inside = 0;
    for (; at < stop; at++) {
        if (!inside && is_space(*at)) continue;
        *to++ = *at;
        if (*at == '"') inside = !inside;
        if (*at == '\\') *to++ = *++at;
    }
    return (uint64_t)(to - begin);
}

static inline int is_solid(const uint8_t *at, uint64_t length) {
    for (uint64_t i = 0; i < length; i++)
        if (at[i] > 0x20 && at[i] < 0x7f) return 1;
    return 0;
}

static inline int keep(Reading *now, uint64_t column, const uint8_t *at, uint64_t length) {
    if (UNLIKELY(length > now->out->cell_bytes)) return ODD;
    if (!now->solid) now->solid = is_solid(at, length);
    if (now->table != NULL) put_text(now->table, column, now->out->records, at, length);
    return 0;
}

static int value_at(Reading *now, uint64_t column) {
    const uint8_t *begin = now->at, *stop;
    int escaped;
    const uint8_t sign = sign_at(now);
    if (LIKELY(sign == '"')) {
        if (string_at(now, &begin, &stop, &escaped)) return ODD;
        if (LIKELY(!escaped)) return keep(now, column, begin, (uint64_t)(stop - begin));
        return keep(now, column, now->scratch, decoded(begin, stop, now->scratch));
    }
    if (sign == '{' || sign == '[') {
        if (nested_at(now)) return ODD;
        return keep(now, column, now->scratch, compact(begin, now->at, now->scratch));
    }
    if (scalar_at(now)) return ODD;
    return sign == 'n' ? 0 : keep(now, column, begin, (uint64_t)(now->at - begin));
}

/* The object that begins at `at`: over it. */
static int object_at(Reading *now) {
    uint64_t likely = 0;
    now->number++;
    now->high = now->solid = 0;
    if (now->out->json_depth < 1) return ODD;
    now->at++;
    skip_space(now);
    if (sign_at(now) == '}') return ODD;        /* it is blank */
    for (;;) {
        const uint8_t *begin, *stop;
        int escaped;
        if (sign_at(now) != '"' || string_at(now, &begin, &stop, &escaped)) return ODD;
        uint64_t length = (uint64_t)(stop - begin);
        if (UNLIKELY(escaped)) {
            length = decoded(begin, stop, now->scratch);
            begin = now->scratch;
        }
        const int64_t column = number_of(now->keys, begin, length, likely);
        if (column < 0 || now->named_by[column] == now->number) return ODD;
        now->named_by[column] = now->number;
        now->set[now->sets++] = (uint32_t)column;
        likely = (uint64_t)column + 1;
        skip_space(now);
        if (sign_at(now) != ':') return ODD;
        now->at++;
        skip_space(now);
        if (value_at(now, (uint64_t)column)) return ODD;
        skip_space(now);
        const uint8_t next = sign_at(now);
        now->at++;
        if (next == '}') return now->solid ? 0 : ODD;
        if (next != ',') return ODD;
        skip_space(now);
    }
}

/* ---- many of them ------------------------------------------------------------------------------------------------ */

/* Over a value that begins with a bracket, by its brackets alone. */
static int over_brackets(Reading *now) {
    int64_t depth = 0;
    int inside = 0;
    for (; now->at < now->end; now->at++) {
        const uint8_t sign = *now->at;
        if (sign == '\n') {
            now->line++;
        } else if (sign == '\\') {
            if (!inside) return GIVEN_UP;       /* no JSON: whether a quote behind it is one is not for us to say */
            now->at++;
            if (now->at < now->end && *now->at == '\n') now->line++;
        } else if (sign == '"') {
            inside = !inside;
        } else if (!inside) {
            depth += (sign == '{' || sign == '[') - (sign == '}' || sign == ']');
            if (depth == 0) {
                now->at++;
                return 0;
            }
        }
    }
    return GIVEN_UP;
}

static void forget(Reading *now, uint64_t data_size) {
    if (now->table == NULL) return;
    for (uint64_t i = 0; i < now->sets; i++) take_back(now->table, now->set[i], now->out->records);
    now->table->data_size = data_size;
}

static int is_odd(Reading *now, const uint8_t *begin, uint64_t line) {
    Objects *out = now->out;
    if (out->odd >= out->most_odd) return GIVEN_UP;
    out->odds[out->odd++] = (Odd){(uint64_t)(begin - now->text), (uint64_t)(now->at - now->text), line, out->records};
    return 0;
}

/* The value that begins at `at`, which is no white space: over it, and where values have lines over the line. */
static int record_at(Reading *now) {
    Objects *out = now->out;
    const uint8_t *begin = now->at;
    const uint64_t line = now->line, data_size = now->table == NULL ? 0 : now->table->data_size;
    now->sets = 0;
    int failed = *begin == '{' ? object_at(now) : ODD;
    if (LIKELY(!failed) && out->lines) {
        skip_space(now);
        if (now->at < now->end && *now->at != '\n') failed = ODD;
    }
    if (LIKELY(!failed) && UNLIKELY(now->high))
        failed = douane_is_utf8(begin, (size_t)(now->at - begin)) ? 0 : ODD;
    out->last = (uint64_t)(begin - now->text);
    out->last_line = line;
    if (LIKELY(!failed)) {
        if (now->table != NULL) {
            if (out->records >= out->room) return GIVEN_UP;
            out->line_of[out->records] = (uint32_t)(line < UINT32_MAX ? line : UINT32_MAX);
        }
        out->records++;
        return 0;
    }
    forget(now, data_size);
    now->line = line;
    now->at = begin;
    if (out->lines) {
        const uint8_t *stop = memchr(begin, '\n', (size_t)(now->end - begin));
        now->at = stop == NULL ? now->end : stop;
    } else if (over_brackets(now)) {
        return GIVEN_UP;
    }
    return is_odd(now, begin, line);
}

static int read_lines(Reading *now) {
    Objects *out = now->out;
    while (now->at < now->end && out->odd < out->most_odd) {
        skip_space(now);
        if (now->at == now->end) break;
        if (*now->at != '\n' && record_at(now)) return GIVEN_UP;
        if (now->at < now->end) {               /* a line end */
            now->at++;
            now->line++;
        }
    }
    return 0;
}

/* Between values there must be just what belongs there: all else is for others to name. */
static int value_follows(Reading *now, int comma) {
    if (comma) {
        if (sign_at(now) != ',') return GIVEN_UP;
        now->at++;
        skip_space(now);
    }
    if (sign_at(now) != '{' && sign_at(now) != '[') return GIVEN_UP;
    return record_at(now);
}

static int read_values(Reading *now) {
    Objects *out = now->out;
    int comma = out->depth && !out->first;
    while (out->odd < out->most_odd) {
        skip_space(now);
        if (now->at == now->end) break;
        const uint8_t *before = now->at;
        const uint64_t line = now->line;
        if (value_follows(now, comma)) {
            now->at = before;
            now->line = line;
            return GIVEN_UP;
        }
        comma = (int)out->depth;
    }
    return 0;
}

/* Reads `text`, which begins before a value, to its end or to the `most_odd`th odd value. Where there is an `array`, the
 * records' cells go into it, a column a key, and `out->line_of` has `out->room`; else they are looked at only.
 * 0; GIVEN_UP: this text is not for us; NO_MEMORY. */
EXPORT int douane_json_read(const uint8_t *text, uint64_t size, const Keys *keys, Objects *out, ArrowArray *array,
                            ArrowSchema *schema) {
    out->records = out->odd = 0;
    if (size >= INT32_MAX || out->begin > size || out->most_odd == 0) return GIVEN_UP;
    Reading now = {.text = text, .at = text + out->begin, .end = text + size, .keys = keys, .out = out, .line = out->line};
    int failed = NO_MEMORY;
    now.set = malloc((keys->count + 1) * sizeof *now.set);
    now.named_by = calloc(keys->count + 1, sizeof *now.named_by);
    now.scratch = malloc(size + 1);
    if (array != NULL) now.table = douane_table(keys->count, out->room, size);
    if (now.set != NULL && now.named_by != NULL && now.scratch != NULL && (array == NULL || now.table != NULL)) {
        failed = out->lines ? read_lines(&now) : read_values(&now);
        if (!failed && array != NULL) failed = douane_table_columns(now.table, out->records, array, schema);
    }
    out->begin = (uint64_t)(now.at - text);
    out->line = now.line;
    if (now.table != NULL) douane_table_let_go(now.table);
    free(now.set);
    free(now.named_by);
    free(now.scratch);
    return failed;
}
