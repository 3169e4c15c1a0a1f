/* Records as they leave: columns of texts -> lines of CSV or NDJSON, or what of a column is as it leaves already.
 * `sheet/output.py` says what leaves. */
#include "kernel.h"

enum { GIVEN_UP = -1, NO_MEMORY = -2 };
enum { TEXT, NUMBER, LIST, ARRAY, JSON, PLACE }; /* kinds of columns */
enum { BLOCK_BYTES = 1 << 20 };                 /* of lines that are given at once: they are still in the cache */
enum { FIGURES_MAX = 15 };                      /* of either half of a number that is spelled here */

/* One column. `name`: what stands before its values in an object, `"name":`. `trims`: texts are as they were staged. Of a
 * LIST texts lose delimiters that part nothing; an ARRAY is one that leaves an object as its elements; JSON is a value
 * already. A PLACE has no texts: of each line its number in `places`. */
typedef struct {
    ArrowArrayStream *stream;
    const uint8_t *name;
    uint64_t name_size;
    uint32_t kind, trims;
    const int64_t *places;
    uint8_t delimiter;
} Column;

typedef struct {
    const Column *column;
    ArrowArray array;
    const uint8_t *present;
    const View *views;
} Cells;

typedef struct {
    uint8_t *at, *data, *end;
} Out;

static int has_room(Out *out, uint64_t more) {
    if (LIKELY((uint64_t)(out->end - out->at) >= more)) return 1;
    const uint64_t size = (uint64_t)(out->at - out->data), room = 2 * size + more + 4096;
    uint8_t *moved = realloc(out->data, room);
    if (moved == NULL) return 0;
    out->data = moved;
    out->at = moved + size;
    out->end = moved + room;
    return 1;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* What JavaScript trims. */
static int is_white(uint32_t sign) {
    if (sign < 0x80) return sign == ' ' || (sign >= 9 && sign <= 13);
    return sign == 0xA0 || sign == 0x1680 || (sign >= 0x2000 && sign <= 0x200A) || sign == 0x2028 || sign == 0x2029 ||
           sign == 0x202F || sign == 0x205F || sign == 0x3000 || sign == 0xFEFF;
}

/* The sign at `at`, of which all white ones have three bytes at most; and how many it has. */
static uint32_t sign_at(const uint8_t *at, uint32_t *bytes) {
    if (*at < 0x80) return *bytes = 1, *at;
    if (*at < 0xE0) return *bytes = 2, (uint32_t)(*at & 0x1F) << 6 | (at[1] & 0x3F);
    if (*at < 0xF0) return *bytes = 3, (uint32_t)(*at & 0x0F) << 12 | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
    return *bytes = 4, 0x10000;
}

static void trim(const uint8_t **begin, const uint8_t **stop) {
    const uint8_t *from = *begin, *to = *stop;
    uint32_t bytes;
    while (from < to && is_white(sign_at(from, &bytes))) from += bytes;
    while (from < to) {
        const uint8_t *last = to - 1;
        while (last > from && (*last & 0xC0) == 0x80) last--;
        if (!is_white(sign_at(last, &bytes))) break;
        to = last;
    }
    *begin = from;
    *stop = to;
}

/* Whether a trimmed list has delimiters that part nothing. */
static int is_loose(const uint8_t *begin, const uint8_t *stop, uint8_t delimiter) {
    if (begin == stop) return 0;
    if (*begin == delimiter || stop[-1] == delimiter) return 1;
    for (const uint8_t *at = begin; (at = memchr(at, delimiter, (size_t)(stop - at))) != NULL; at += 2)
        if (at[1] == delimiter) return 1;       /* there is one: the last is no delimiter */
    return 0;
}

static uint64_t tightened(const uint8_t *begin, const uint8_t *stop, uint8_t delimiter, uint8_t *to) {
    uint8_t *const from = to;
    while (begin < stop && *begin == delimiter) begin++;
    for (; begin < stop; begin++)
        if (*begin != delimiter || to[-1] != delimiter) *to++ = *begin;
    if (to > from && to[-1] == delimiter) to--;
    return (uint64_t)(to - from);
}

static inline int is_list(const Column *column) { return column->kind == LIST || column->kind == ARRAY; }

/* Row `row` of a column as it came: 0 where it has none. */
static inline int staged(const Cells *cells, uint64_t row, const uint8_t **begin, const uint8_t **stop) {
    const uint64_t bit = row + (uint64_t)cells->array.offset;
    if (cells->present != NULL && !(cells->present[bit / 8] >> bit % 8 & 1)) return 0;
    const View *view = &cells->views[bit];
    const uint8_t *text = view->length <= sizeof view->inlined
                              ? view->inlined
                              : (const uint8_t *)cells->array.buffers[2 + view->far.buffer] + view->far.offset;
    *begin = text;
    *stop = text + view->length;
    return 1;
}

/* Whether neither end is white for certain. */
static inline int has_seen_ends(const uint8_t *begin, const uint8_t *stop) {
    return (uint8_t)(*begin - 0x21) <= 0x5D && (uint8_t)(stop[-1] - 0x21) <= 0x5D;
}

/* The same as it leaves. `held` has room for the text. */
static inline int text_of(const Cells *cells, uint64_t row, uint8_t *held, const uint8_t **begin, const uint8_t **stop) {
    if (!staged(cells, row, begin, stop)) return 0;
    if (*begin == *stop) return 1;
    if (cells->column->trims && UNLIKELY(!has_seen_ends(*begin, *stop))) trim(begin, stop);
    if (is_list(cells->column) && is_loose(*begin, *stop, cells->column->delimiter)) {
        const uint64_t size = tightened(*begin, *stop, cells->column->delimiter, held);
        *begin = held;
        *stop = held + size;
    }
    return 1;
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* Most texts are short: their ends are copied, which may overlap. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t size) {
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + size - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
    } else {
        for (size_t i = 0; i < size; i++) to[i] = from[i];
    }
}

/* Some byte of a word is zero. */
static inline uint64_t zero_in(uint64_t word) { return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull; }

static inline int must_quote(const uint8_t *at, const uint8_t *stop) {
    const uint64_t each = 0x0101010101010101ull;
    uint64_t word;
    for (; stop - at >= 8; at += 8) {
        memcpy(&word, at, 8);
        if (zero_in(word ^ each * ',') | zero_in(word ^ each * '"') | zero_in(word ^ each * '\n') | zero_in(word ^ each * '\r'))
            return 1;
    }
    for (; at < stop; at++)
        if (*at == ',' || *at == '"' || *at == '\n' || *at == '\r') return 1;
    return 0;
}

static void csv_text(Out *out, const uint8_t *begin, const uint8_t *stop) {
    if (LIKELY(!must_quote(begin, stop))) {
        copy(out->at, begin, (size_t)(stop - begin));
        out->at += stop - begin;
        return;
    }
    *out->at++ = '"';
    for (; begin < stop; begin++) {
        if (*begin == '"') *out->at++ = '"';
        *out->at++ = *begin;
    }
    *out->at++ = '"';
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* Some byte of a word must not stand in a JSON text as it is. Bytes beyond ASCII are taken for none: of a word that holds
 * one, those below 0x20 are still found. */
static inline uint64_t must_escape(uint64_t word) {
    const uint64_t each = 0x0101010101010101ull, high = 0x8080808080808080ull;
    return zero_in(word ^ each * '"') | zero_in(word ^ each * '\\') | ((word - each * 0x20) & ~word & high);
}

static void json_text(Out *out, const uint8_t *begin, const uint8_t *stop) {
    static const char SHORT[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    uint8_t *to = out->at;
    *to++ = '"';
    while (begin < stop) {
        for (uint64_t word; stop - begin >= 8; begin += 8, to += 8) {
            memcpy(&word, begin, 8);
            if (UNLIKELY(must_escape(word))) break;
            memcpy(to, &word, 8);
        }
        if (begin == stop) break;
        const uint8_t sign = *begin;
        begin++;
        if (LIKELY(sign >= 0x20 && sign != '"' && sign != '\\')) {
            *to++ = sign;
            continue;
        }
        *to++ = '\\';
        if (sign >= 0x20) {
            *to++ = sign;
        } else if (SHORT[sign]) {
            *to++ = (uint8_t)SHORT[sign];
        } else {
            memcpy(to, "u00", 3);
            to[3] = (uint8_t)('0' + (sign >> 4));
            to[4] = (uint8_t)"0123456789abcdef"[sign & 15];
            to += 5;
        }
    }
    *to++ = '"';
    out->at = to;
}

/* A plain decimal, spelled in its one way. Whether it is one. */
static int json_number(Out *out, const uint8_t *begin, const uint8_t *stop) {
    const uint8_t *at = begin;
    const int minus = *at == '-';
    at += minus;
    const uint8_t *whole = at;
    while (at < stop && (uint8_t)(*at - '0') < 10) at++;
    const uint8_t *point = at, *last = at;
    if (at == whole || at - whole > FIGURES_MAX) return 0;
    if (at < stop) {
        if (*at++ != '.' || at == stop || stop - at > FIGURES_MAX) return 0;
        while (at < stop && (uint8_t)(*at - '0') < 10) at++;
        if (at < stop) return 0;
        for (last = at; last[-1] == '0'; last--) {}
        if (last[-1] == '.') last--;
    }
    while (whole < point - 1 && *whole == '0') whole++;
    if (minus && !(last - whole == 1 && *whole == '0')) *out->at++ = '-';
    memcpy(out->at, whole, (size_t)(last - whole));
    out->at += last - whole;
    return 1;
}

/* The elements of a tight list; none of an empty one. */
static void json_array(Out *out, const uint8_t *begin, const uint8_t *stop, uint8_t delimiter) {
    *out->at++ = '[';
    while (begin < stop) {
        const uint8_t *end = memchr(begin, delimiter, (size_t)(stop - begin));
        if (end == NULL) end = stop;
        json_text(out, begin, end);
        if (end < stop) *out->at++ = ',';
        begin = end + 1;
    }
    *out->at++ = ']';
}

/* One value. Whether it is for us. */
static inline int json_value(Out *out, const Column *column, const uint8_t *begin, const uint8_t *stop) {
    switch (column->kind) {
    case NUMBER:
        if (begin < stop) return json_number(out, begin, stop);
        break;
    case ARRAY:
        json_array(out, begin, stop, column->delimiter);
        return 1;
    case JSON:
        copy(out->at, begin, (size_t)(stop - begin));
        out->at += stop - begin;
        return 1;
    default:
        break;
    }
    json_text(out, begin, stop);
    return 1;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* Which rows become lines: so many, those at `at` or, if that is NULL, all. */
typedef struct {
    uint64_t count;
    const int64_t *at;
} Rows;

static inline uint64_t row_of(const Rows *rows, uint64_t i) { return rows->at == NULL ? i : (uint64_t)rows->at[i]; }

/* What lines are made of, and how far it came. `line`: the next one; `out`: the last lines that were given. */
typedef struct {
    Cells *cells;
    uint64_t columns, taken, line;
    Rows rows;
    uint8_t *held;
    Out out;
    uint32_t json;
} Lines;

static int csv_line(Lines *of, uint64_t row) {
    Out *out = &of->out;
    const uint8_t *begin, *stop;
    for (uint64_t i = 0; i < of->columns; i++) {
        const int here = text_of(&of->cells[i], row, of->held, &begin, &stop);
        if (!has_room(out, (here ? 2 * (uint64_t)(stop - begin) : 0) + 8)) return NO_MEMORY;
        if (i) *out->at++ = ',';
        if (here && begin < stop) {
            csv_text(out, begin, stop);
        } else if (of->columns == 1) {          /* it has to show its quotes, or it would be no record */
            memcpy(out->at, "\"\"", 2);
            out->at += 2;
        }
    }
    memcpy(out->at, "\r\n", 2);
    out->at += 2;
    return 0;
}

static void put_number(Out *out, int64_t number) {
    uint8_t digits[20], *at = digits + sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do *--at = (uint8_t)('0' + left % 10);
    while (left /= 10);
    if (number < 0) *out->at++ = '-';
    const size_t size = (size_t)(digits + sizeof digits - at);
    memcpy(out->at, at, size);
    out->at += size;
}

static int json_line(Lines *of, uint64_t row) {
    Out *out = &of->out;
    uint8_t lead = '{';
    for (uint64_t i = 0; i < of->columns; i++) {
        const Column *column = of->cells[i].column;
        const int is_place = column->kind == PLACE;
        const uint8_t *begin = column->name, *stop = begin;
        if (!is_place && !text_of(&of->cells[i], row, of->held, &begin, &stop)) continue;
        if (!has_room(out, 6 * (uint64_t)(stop - begin) + column->name_size + 32)) return NO_MEMORY;
        *out->at++ = lead;
        lead = ',';
        copy(out->at, column->name, column->name_size);
        out->at += column->name_size;
        if (is_place)
            put_number(out, column->places[of->line]);
        else if (!json_value(out, column, begin, stop))
            return GIVEN_UP;
    }
    if (!has_room(out, 8)) return NO_MEMORY;
    if (lead == '{') *out->at++ = '{';
    memcpy(out->at, "}\n", 2);
    out->at += 2;
    return 0;
}

/* Takes a column that came in one piece, and says how long its longest text is. */
static int take(Cells *cells, const Column *column, uint64_t rows, uint64_t *longest) {
    ArrowSchema schema;
    ArrowArray rest;
    cells->column = column;
    cells->array.release = NULL;
    if (column->kind == PLACE) return column->places == NULL ? GIVEN_UP : 0;
    if (column->stream->get_schema(column->stream, &schema)) return GIVEN_UP;
    const int ours = strcmp(schema.format, "vu") == 0;
    if (schema.release != NULL) schema.release(&schema);
    if (!ours || column->stream->get_next(column->stream, &cells->array) || cells->array.release == NULL) return GIVEN_UP;
    if (column->stream->get_next(column->stream, &rest)) return GIVEN_UP;
    if (rest.release != NULL) {
        rest.release(&rest);
        return GIVEN_UP;
    }
    if ((uint64_t)cells->array.length != rows) return GIVEN_UP;
    cells->present = cells->array.null_count ? cells->array.buffers[0] : NULL;
    cells->views = cells->array.buffers[1];
    if (is_list(column))
        for (uint64_t row = 0; row < rows; row++) {
            const uint64_t bit = row + (uint64_t)cells->array.offset;
            if (cells->present != NULL && !(cells->present[bit / 8] >> bit % 8 & 1)) continue;
            if (cells->views[bit].length > *longest) *longest = cells->views[bit].length;
        }
    return 0;
}

EXPORT void douane_lines_close(Lines *of) {
    if (of == NULL) return;
    for (uint64_t i = 0; i < of->taken; i++)
        if (of->cells[i].array.release != NULL) of->cells[i].array.release(&of->cells[i].array);
    free(of->cells);
    free(of->held);
    free(of->out.data);
    free(of);
}

/* Of `columns` columns of `length` rows, each of which is one piece, all or those `count` rows at `at`; all of it stays
 * where it is until `douane_lines_close`. NULL: something in them is for others, or there is no memory. */
EXPORT Lines *douane_lines_open(const Column *columns, uint64_t count_of_columns, uint64_t length, const int64_t *at,
                                uint64_t count, uint32_t json) {
    Lines *of = calloc(1, sizeof *of);
    if (of == NULL) return NULL;
    of->cells = calloc(count_of_columns + 1, sizeof *of->cells);
    of->columns = count_of_columns;
    of->rows = (Rows){.count = at == NULL ? length : count, .at = at};
    of->json = json;
    uint64_t longest = 0;
    int failed = of->cells == NULL;
    while (!failed && of->taken < count_of_columns) {
        failed = take(&of->cells[of->taken], &columns[of->taken], length, &longest);
        failed |= !json && columns[of->taken].kind == PLACE;
        of->taken++;
    }
    for (uint64_t i = 0; at != NULL && i < count; i++) failed |= (uint64_t)at[i] >= length;
    of->held = malloc(longest + 1);
    if (!failed && of->held != NULL) return of;
    douane_lines_close(of);
    return NULL;
}

/* The next lines, about a block of them, whole, which stay until the next call: where they stand and their size; none in
 * the end. `line`: the one after them. 0; GIVEN_UP: that one is for others; NO_MEMORY. */
EXPORT int douane_lines_next(Lines *of, const uint8_t **data, uint64_t *size, uint64_t *line) {
    int failed = 0;
    of->out.at = of->out.data;
    while (of->line < of->rows.count && of->out.at - of->out.data < BLOCK_BYTES) {
        const uint64_t row = row_of(&of->rows, of->line), begun = (uint64_t)(of->out.at - of->out.data);
        failed = of->json ? json_line(of, row) : csv_line(of, row);
        if (failed) {
            of->out.at = of->out.data + begun;
            break;
        }
        of->line++;
    }
    *data = of->out.data;
    *size = (uint64_t)(of->out.at - of->out.data);
    *line = of->line;
    return failed;
}

/* Whether every text of a column leaves as it came. */
EXPORT int douane_leaves_as_it_came(const Column *column, uint64_t rows) {
    Cells cells;
    uint64_t longest = 0;
    int tidy = !take(&cells, column, rows, &longest);
    for (uint64_t row = 0; tidy && row < rows; row++) {
        const uint8_t *begin, *stop;
        if (!staged(&cells, row, &begin, &stop) || begin == stop) continue;
        const uint8_t *first = begin, *last = stop;
        if (UNLIKELY(!has_seen_ends(begin, stop))) trim(&first, &last);
        tidy = first == begin && last == stop && !(is_list(column) && is_loose(begin, stop, column->delimiter));
    }
    if (cells.array.release != NULL) cells.array.release(&cells.array);
    return tidy;
}

/* The doubles of a column of plain decimals of at most 15 digits, each of which survives: both halves of the quotient are
 * exact, so it is the very double. `present`: a byte a row, 0 where nothing or an empty text stands. GIVEN_UP: other texts
 * are among them. */
EXPORT int douane_doubles(const Column *column, uint64_t rows, double *doubles, uint8_t *present) {
    static const double POWERS[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    Cells cells;
    uint64_t longest = 0;
    int failed = take(&cells, column, rows, &longest);
    for (uint64_t row = 0; !failed && row < rows; row++) {
        const uint8_t *at, *stop;
        doubles[row] = 0;
        present[row] = (uint8_t)(staged(&cells, row, &at, &stop) && at < stop);
        if (!present[row]) continue;
        const int minus = *at == '-';
        int64_t value = 0, digits = 0, decimals = 0;
        for (at += minus; at < stop && (uint8_t)(*at - '0') < 10 && digits <= FIGURES_MAX; at++, digits++)
            value = value * 10 + (*at - '0');
        failed = digits == 0;
        if (at < stop && !failed) {
            failed = *at++ != '.' || at == stop;
            for (; at < stop && (uint8_t)(*at - '0') < 10 && digits + decimals <= FIGURES_MAX; at++, decimals++)
                value = value * 10 + (*at - '0');
        }
        failed |= at < stop || digits + decimals > FIGURES_MAX;
        if (failed) break;
        doubles[row] = (double)(minus ? -value : value) / POWERS[decimals];
    }
    if (cells.array.release != NULL) cells.array.release(&cells.array);
    return failed ? GIVEN_UP : 0;
}
