/* The sure half of judging: which cells of a column surely break no rule of it. All others are left to those who decide. */
#include "kernel.h"
#include "listed.h"

enum { ANY, PATTERN, NUMBER, LIST };                                /* kinds */
enum { EMPTY = 1, BEGINS = 2, EDGES = 4, EXPONENTS = 8, COMMAS = 16 }; /* what is asked */
enum { SEEN_EXPONENT = 1, SEEN_COMMA = 2 };

/* What a cell must be; all of it. */
typedef struct {
    uint32_t kind, asked;
    uint64_t bytes_max, signs_min;
    double low, high;                    /* of a NUMBER */
    const uint8_t *next, *accepts;       /* of a PATTERN: [state][byte] -> state, from state 1 on; 0 = never any more */
    const View *slots;                   /* of a LIST: by hash its texts, as views into `texts`; VACANT = none */
    const uint8_t *texts;
    uint32_t slots_mask;
} Program;

/* Room for as many rows as there are: those that are not surely clean; those of which nothing else is asked, for they are
 * surely wrong; and those whose text may not be their key. The last two may be NULL. */
typedef struct {
    uint32_t *unsure, *wrong, *not_plain;
    uint64_t unsures, wrongs, not_plains, rows, seen;
} Verdict;

static inline uint32_t sign_at(const uint8_t *text) {
    const uint8_t first = *text;
    if (first < 0x80) return first;
    if (first < 0xE0) return (uint32_t)(first & 0x1F) << 6 | (text[1] & 0x3F);
    if (first < 0xF0) return (uint32_t)(first & 0x0F) << 12 | (uint32_t)(text[1] & 0x3F) << 6 | (text[2] & 0x3F);
    return 0x10000;
}

/* White_Space of Unicode, and U+FEFF. */
static inline int is_white(uint32_t sign) {
    if (sign < 0x80) return sign == ' ' || (sign >= 9 && sign <= 13);
    return sign == 0x85 || sign == 0xA0 || sign == 0x1680 || (sign >= 0x2000 && sign <= 0x200A) || sign == 0x2028 ||
           sign == 0x2029 || sign == 0x202F || sign == 0x205F || sign == 0x3000 || sign == 0xFEFF;
}

/* By its first byte, whether a sign is white: most are told so without a look at the rest. */
enum { VISIBLE, WHITE, LOOK };
static const uint8_t FIRST[256] = {
    [9 ... 13] = WHITE, [' '] = WHITE, [0xC2] = LOOK, [0xE1 ... 0xE3] = LOOK, [0xEF] = LOOK,
};

/* A view has the first four bytes in it in any case: the text itself may be far away. */
static inline int begins_visible(const View *view) {
    if (!view->length) return 0;
    const uint8_t told = FIRST[view->inlined[0]];
    return LIKELY(told != LOOK) ? told == VISIBLE : !is_white(sign_at(view->inlined));
}

static inline int ends_visible(const uint8_t *text, uint64_t size) {
    if (!size) return 0;
    const uint8_t *last = text + size - 1;
    if (LIKELY(*last < 0x80)) return FIRST[*last] == VISIBLE;
    while (last > text && (*last & 0xC0) == 0x80) last--;
    return !is_white(sign_at(last));
}

EXPORT uint64_t douane_list_hash(const uint8_t *text, uint64_t size) {
    View view = {.length = (uint32_t)size};
    if (size <= 12) memcpy(view.inlined, text, size);
    else memcpy(view.far.prefix, text, 4), view.far.buffer = view.far.offset = 0;
    return hash_of(&view, text);
}

static inline int in_list(const Program *program, const View *view, const uint8_t *text) {
    return slot_of(program->slots, program->slots_mask, program->texts, view, text)->length != VACANT;
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

static inline int fits(const Program *program, const View *view, const uint8_t *text) {
    if (view->length > program->bytes_max) return 0;
    if ((program->asked & (BEGINS | EDGES)) && !begins_visible(view)) return 0;
    if ((program->asked & EDGES) && !ends_visible(text, view->length)) return 0;
    return program->signs_min <= 1 || signs_in(text, view->length) >= program->signs_min;
}

/* Also where a program showed signs alone, for the cell was too narrow for a number. */
static int has_exponent(const uint8_t *text, uint64_t size) {
    uint64_t first = 0;
    while (first < size && text[first] == ' ') first++;
    if (first + 2 < size && text[first] == '#' && text[first + 1] == '#' && text[first + 2] == '#') return 1;
    for (uint64_t at = 0; at + 1 < size; at++)
        if (text[at] == 'E' && text[at + 1] == '+') return 1;
    return 0;
}

/* A column as it came, and where what its views point into ends. */
typedef struct {
    const uint8_t *present;
    const View *views, *views_end;
    const uint8_t *const *buffers;
    const int64_t *sizes;
    uint64_t first_bit, rows;
} Cells;

static inline int is_here(const Cells *cells, uint64_t row) {
    const uint64_t bit = cells->first_bit + row;
    return cells->present == NULL || (cells->present[bit / 8] >> bit % 8 & 1);
}

/* What stands in the view of a cell that is absent is nobody's concern. */
static inline const View *view_at(const Cells *cells, uint64_t row, int here) {
    static const View NONE;
    return LIKELY(here) ? &cells->views[row] : &NONE;
}

/* Which texts stand in their views is anybody's guess, and a wrong guess costs more than all else: written so that no jump
 * is made of it. A column always has a first buffer here, for its sizes come last. */
static inline const uint8_t *text_of(const Cells *cells, const View *view) {
    const int inlined = view->length <= 12;
    const uint8_t *far = cells->buffers[inlined ? 0 : view->far.buffer] + (inlined ? 0 : view->far.offset);
    return inlined ? view->inlined : far;
}

/* How many bytes can be read from a cell's text on. */
static inline uint64_t left_of(const Cells *cells, const View *view) {
    const int inlined = view->length <= 12;
    const uint64_t far = (uint64_t)cells->sizes[inlined ? 0 : view->far.buffer] - (inlined ? 0 : view->far.offset);
    const uint64_t near = (uint64_t)((const uint8_t *)cells->views_end - view->inlined);
    return inlined ? near : far;
}

/* Whether there may be anything to tell of a cell: of most there is not, and then nobody looks at its text for it. */
static inline int is_told(const Program *program, const Verdict *out, const View *view, int clean) {
    return !clean || out->not_plain != NULL || ((program->asked & EXPONENTS) && view->inlined[0] < ':');
}

/* Puts down what is to be told of a cell. */
static void tell(const Program *program, Verdict *out, uint32_t row, const View *view, const uint8_t *text, int here,
                 int clean) {
    const uint64_t size = view->length;
    if (UNLIKELY(!clean)) {
        if (out->wrong != NULL && here && begins_visible(view) && ends_visible(text, size))
            out->wrong[out->wrongs++] = row;
        else out->unsure[out->unsures++] = row;
        if ((program->asked & COMMAS) && here && size && memchr(text, ',', size) != NULL) out->seen |= SEEN_COMMA;
    }
    if ((program->asked & EXPONENTS) && size && view->inlined[0] < ':' && has_exponent(text, size))
        out->seen |= SEEN_EXPONENT;
    if (out->not_plain != NULL && !(clean && begins_visible(view) && ends_visible(text, size)))
        out->not_plain[out->not_plains++] = row;
}

static inline __attribute__((always_inline)) void judge_each(const Program *program, const Cells *cells, Verdict *out,
                                                             uint32_t kind) {
    for (uint64_t row = 0; row < cells->rows; row++) {
        const int here = is_here(cells, row);
        const View *view = view_at(cells, row, here);
        const uint64_t size = view->length;
        const uint8_t *text = text_of(cells, view);
        int clean = 0;
        if (!here) {}
        else if (!size) clean = (program->asked & EMPTY) != 0;
        else if (!fits(program, view, text)) {}
        else if (kind == NUMBER) clean = is_number(program, text, size);
        else if (kind == LIST) clean = in_list(program, view, text);
        else clean = 1;
        if (UNLIKELY(is_told(program, out, view, clean))) tell(program, out, (uint32_t)(out->rows + row), view, text, here, clean);
    }
}

/* ---- patterns: eight cells at a time -------------------------------------------------------------------------- */

enum { LANES = 8, LANE = 64, PADDING = 0xFF };

/* A cell waits for its last state, not for the other cells'. So eight are put beside each other, each filled up with a
 * byte that no text has and that leads every state to itself, and none has to be asked whether it has ended. */
static void eight(const Program *program, const uint8_t lanes[LANES][2 * LANE], uint64_t longest, uint8_t clean[LANES]) {
    const uint8_t *next = program->next;
    uint32_t state[LANES] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (uint64_t at = 0; at < longest; at++) {
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++) state[i] = next[state[i] << 8 | lanes[i][at]];
    }
    for (int i = 0; i < LANES; i++) clean[i] = program->accepts[state[i]];
}

static uint8_t found_in(const Program *program, const uint8_t *text, uint64_t size) {
    uint32_t state = 1;
    for (uint64_t at = 0; at < size; at++) state = program->next[state << 8 | text[at]];
    return program->accepts[state];
}

static void judge_patterns(const Program *program, const Cells *cells, Verdict *out) {
    uint8_t lanes[LANES][2 * LANE], clean[LANES];
    const uint8_t *text[LANES];
    const View *view[LANES];
    int here[LANES];
    for (uint64_t begin = 0; begin < cells->rows; begin += LANES) {
        const int many = cells->rows - begin < LANES ? (int)(cells->rows - begin) : LANES;
        uint64_t longest = 0, size[LANES] = {0};
        for (int i = 0; i < LANES; i++) {
            if (LIKELY(i < many)) {
                here[i] = is_here(cells, begin + (uint64_t)i);
                view[i] = view_at(cells, begin + (uint64_t)i, here[i]);
                text[i] = text_of(cells, view[i]);
                if (LIKELY(view[i]->length <= LANE)) size[i] = view[i]->length;
                /* All of a lane at once where as much can be read. */
                if (LIKELY(here[i] && left_of(cells, view[i]) >= LANE)) memcpy(lanes[i], text[i], LANE);
                else memcpy(lanes[i], text[i], size[i]);
            }
            memset(lanes[i] + size[i], PADDING, LANE);
            longest = size[i] > longest ? size[i] : longest;
        }
        eight(program, (const uint8_t(*)[2 * LANE])lanes, longest, clean);
        for (int i = 0; i < many; i++) {
            const uint64_t length = view[i]->length;
            if (UNLIKELY(length > LANE)) clean[i] = found_in(program, text[i], length);
            clean[i] = here[i] && (length ? clean[i] && fits(program, view[i], text[i]) : (program->asked & EMPTY) != 0);
            if (UNLIKELY(is_told(program, out, view[i], clean[i])))
                tell(program, out, (uint32_t)(out->rows + begin + (uint64_t)i), view[i], text[i], here[i], clean[i]);
        }
    }
}

static void judge(const Program *program, const ArrowArray *array, Verdict *out) {
    static const int64_t NOTHING[1] = {0};      /* no view points anywhere then */
    const View *views = (const View *)array->buffers[1] + array->offset;
    const Cells cells = {
        .present = array->null_count ? array->buffers[0] : NULL,
        .views = views,
        .views_end = views + array->length,
        .buffers = (const uint8_t *const *)(array->buffers + 2),
        .sizes = array->n_buffers > 3 ? array->buffers[array->n_buffers - 1] : NOTHING,
        .first_bit = (uint64_t)array->offset,
        .rows = (uint64_t)array->length,
    };
    switch (program->kind) {
        case PATTERN: judge_patterns(program, &cells, out); break;
        case NUMBER: judge_each(program, &cells, out, NUMBER); break;
        case LIST: judge_each(program, &cells, out, LIST); break;
        default: judge_each(program, &cells, out, ANY);
    }
    out->rows += cells.rows;
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
