/* A sheet's XML of ordinary shape -> cells, and a workbook's shared texts. `sheet/formats/sheet_xml.py` says what both
 * are, and reads whatever is of another shape: comments and CDATA, numeric entities, formatted runs, CR, a `>` in a text,
 * attributes that say something unusual. White space between tags says nothing. */
#include "table.h"

enum { GIVEN_UP = -1, NO_MEMORY = -2 };
enum { NUMBER, SHARED, FORMULA_TEXT, INLINE_TEXT, BOOLEAN, ERROR, ISO_DATE };   /* as TYPES */

/* Room for `rows_room` rows and `cells_room` cells that hold something, and for as many formulas without a result. */
typedef struct {
    uint64_t rows_room, cells_room;
    uint32_t line;                              /* of the row before; afterwards, of the last one */
    uint32_t escapes;                           /* found: a text holds `_x`, which may spell a character */
    uint32_t *lines;
    uint8_t *hidden;
    uint32_t *row, *column;
    uint8_t *type;
    int32_t *style;
    uint32_t *unresolved;
    uint64_t rows, cells, unresolveds;          /* found */
} Sheet;

typedef struct {
    const uint8_t *at, *end;
    const uint8_t *prefix;                      /* of elements, with its colon */
    uint64_t prefix_size;
    Table *table;
    uint32_t escapes;
} Reading;

static inline int is_space(uint8_t sign) { return sign == ' ' || sign == '\n' || sign == '\t'; }

static inline void skip_space(Reading *now) {
    while (now->at < now->end && is_space(*now->at)) now->at++;
}

/* Over these bytes, if they stand here. */
static inline int follows(Reading *now, const char *bytes, size_t size) {
    if ((size_t)(now->end - now->at) < size || memcmp(now->at, bytes, size)) return 0;
    now->at += size;
    return 1;
}

/* Over "<row" or "</row", if a tag of that name stands here. */
static inline int tag(Reading *now, const char *opening, size_t opening_size, const char *name, size_t name_size) {
    const uint8_t *at = now->at;
    if ((size_t)(now->end - at) <= opening_size + now->prefix_size + name_size) return 0;
    if (memcmp(at, opening, opening_size)) return 0;
    at += opening_size;
    if (now->prefix_size) {
        if (memcmp(at, now->prefix, now->prefix_size)) return 0;
        at += now->prefix_size;
    }
    if (memcmp(at, name, name_size)) return 0;
    at += name_size;
    if (*at != '>' && *at != '/' && !is_space(*at)) return 0;
    now->at = at;
    return 1;
}

#define OPENS(now, name) tag(now, "<", 1, name, sizeof name - 1)
#define CLOSES(now, name) (tag(now, "</", 2, name, sizeof name - 1) && follows(now, ">", 1))

typedef struct {
    const uint8_t *name, *value;
    uint64_t name_size, value_size;
} Attribute;

static inline int is_named(const Attribute *attribute, const char *name) {
    const size_t size = strlen(name);
    return attribute->name_size == size && memcmp(attribute->name, name, size) == 0;
}

/* Within a tag: 1 with its next attribute, 0 at its end, -1: it is not of ordinary shape. */
static inline int attribute(Reading *now, Attribute *found) {
    const uint8_t *at = now->at, *const end = now->end;
    if (at < end && (*at == '>' || *at == '/')) return 0;
    if (at == end || !is_space(*at)) return -1;
    while (at < end && is_space(*at)) at++;
    now->at = at;
    if (at < end && (*at == '>' || *at == '/')) return 0;
    found->name = at;
    while (at < end && ((uint8_t)((*at | 0x20) - 'a') < 26 || (uint8_t)(*at - '0') < 10 || *at == ':' || *at == '.' ||
                        *at == '_' || *at == '-'))
        at++;
    found->name_size = (uint64_t)(at - found->name);
    if (found->name_size == 0 || end - at < 3 || at[0] != '=' || at[1] != '"') return -1;
    at += 2;
    found->value = at;
    while (at < end && *at != '"') {
        if (*at < 0x20 || *at == '<' || *at == '>' || *at == '&') return -1;
        at++;
    }
    if (at == end) return -1;
    found->value_size = (uint64_t)(at - found->value);
    now->at = at + 1;
    return 1;
}

/* The end of a tag: 1 where it holds something, 0 where it is empty, -1 for anything else. */
static inline int tag_end(Reading *now) {
    if (follows(now, ">", 1)) return 1;
    return follows(now, "/>", 2) ? 0 : -1;
}

/* Digits, at most `most`, leading zeros apart; -1: it is nothing such. */
static inline int64_t number_of(const uint8_t *at, uint64_t size, uint64_t most) {
    int64_t number = 0;
    uint64_t i = 0;
    while (i < size && at[i] == '0') i++;
    if (size == 0 || size - i > most) return -1;
    for (; i < size; i++) {
        if ((uint8_t)(at[i] - '0') > 9) return -1;
        number = number * 10 + (at[i] - '0');
    }
    return number;
}

static const struct {
    const char *name;
    uint32_t size;
    uint8_t sign;
} ENTITIES[] = {{"amp;", 4, '&'}, {"lt;", 3, '<'}, {"gt;", 3, '>'}, {"quot;", 5, '"'}, {"apos;", 5, '\''}};

/* The entity behind an ampersand: its sign, and how many bytes it has; 0: it is not one of the five. */
static uint32_t entity_at(const uint8_t *at, const uint8_t *end, uint8_t *sign) {
    for (size_t i = 0; i < sizeof ENTITIES / sizeof *ENTITIES; i++)
        if ((size_t)(end - at) >= ENTITIES[i].size && memcmp(at, ENTITIES[i].name, ENTITIES[i].size) == 0) {
            *sign = ENTITIES[i].sign;
            return ENTITIES[i].size;
        }
    return 0;
}

/* Over the text up to the next tag. -1: it is not of ordinary shape; else whether it holds entities. */
static inline int text_at(Reading *now, const uint8_t **begin, const uint8_t **stop) {
    const uint8_t *at = now->at, *const end = now->end;
    int entities = 0;
    uint8_t sign;
    *begin = at;
    for (; at < end && *at != '<'; at++) {
        if (LIKELY(*at > '>')) {
            now->escapes |= *at == '_' && at + 1 < end && at[1] == 'x';
        } else if (*at == '&') {
            if (entity_at(at + 1, end, &sign) == 0) return -1;
            entities = 1;
        } else if (*at == '>' || (*at < 0x20 && *at != '\t' && *at != '\n')) {
            return -1;
        }
    }
    if (at == end) return -1;
    *stop = now->at = at;
    return entities;
}

/* Keeps a text as row `number`. Entities are resolved on the way. */
static void keep(Reading *now, uint64_t number, const uint8_t *begin, const uint8_t *stop, int entities) {
    if (LIKELY(!entities)) {
        put_text(now->table, 0, number, begin, (uint64_t)(stop - begin));
        return;
    }
    /* Written behind the texts that are there, and kept from there: what a short one leaves is written over. */
    uint8_t *const to = now->table->data + now->table->data_size, *at = to;
    while (begin < stop) {
        if (*begin == '&') {
            begin += 1 + entity_at(begin + 1, stop, at);
            at++;
        } else {
            *at++ = *begin++;
        }
    }
    put_text(now->table, 0, number, to, (uint64_t)(at - to));
}

/* Over `<t>`, `<t xml:space="preserve">` or `<t/>`: as `tag_end`. */
static inline int text_tag(Reading *now) {
    if (!OPENS(now, "t")) return -1;
    follows(now, " xml:space=\"preserve\"", 21);
    return tag_end(now);
}

static int type_of(const Attribute *a) {
    const uint8_t *v = a->value;
    switch (a->value_size) {
    case 0: return NUMBER;
    case 1: return *v == 'n' ? NUMBER : *v == 's' ? SHARED : *v == 'b' ? BOOLEAN : *v == 'e' ? ERROR : *v == 'd' ? ISO_DATE : -1;
    case 3: return memcmp(v, "str", 3) ? -1 : FORMULA_TEXT;
    case 9: return memcmp(v, "inlineStr", 9) ? -1 : INLINE_TEXT;
    default: return -1;
    }
}

/* A to ZZZ, digits behind it -> from 0; -1: it is no such reference. */
static int64_t column_of(const Attribute *a) {
    int64_t column = 0;
    uint64_t at = 0;
    for (; at < a->value_size && at < 3 && (uint8_t)(a->value[at] - 'A') < 26; at++)
        column = column * 26 + (a->value[at] - 'A' + 1);
    for (uint64_t digit = at; digit < a->value_size; digit++)
        if ((uint8_t)(a->value[digit] - '0') > 9) return -1;
    return column - 1;
}

/* The cell that stands behind "<c". */
static int cell_at(Reading *now, Sheet *out, int64_t *column) {
    Attribute a;
    int type = NUMBER, more, said = 0, entities = 0, formula = 0, valued = 0;
    int64_t style = 0, here = *column + 1;
    while ((more = attribute(now, &a)) > 0) {
        if (a.name_size != 1) continue;
        const int bit = *a.name == 'r' ? 1 : *a.name == 't' ? 2 : *a.name == 's' ? 4 : 0;
        if (said & bit) return GIVEN_UP;
        said |= bit;
        if (bit == 1 && (here = column_of(&a)) < 0) return GIVEN_UP;
        if (bit == 2 && (type = type_of(&a)) < 0) return GIVEN_UP;
        if (bit == 4 && (style = number_of(a.value, a.value_size, 9)) < 0) return GIVEN_UP;
        if (bit == 4 && a.value_size > 9) return GIVEN_UP;
    }
    if (more < 0) return GIVEN_UP;
    *column = here;
    const int holds = tag_end(now);
    if (holds < 0) return GIVEN_UP;
    if (holds == 0) return 0;
    const uint8_t *begin = now->at, *stop = now->at;
    skip_space(now);
    if (OPENS(now, "f")) {
        const uint32_t escapes = now->escapes;
        while ((more = attribute(now, &a)) > 0) {}
        if (more < 0 || (more = tag_end(now)) < 0) return GIVEN_UP;
        if (more && (text_at(now, &begin, &stop) < 0 || !CLOSES(now, "f"))) return GIVEN_UP;
        now->escapes = escapes;
        begin = stop;
        formula = 1;
        skip_space(now);
    }
    if (OPENS(now, "v")) {
        valued = 1;
        if ((more = tag_end(now)) < 0) return GIVEN_UP;
        if (more && ((entities = text_at(now, &begin, &stop)) < 0 || !CLOSES(now, "v"))) return GIVEN_UP;
    } else if (OPENS(now, "is")) {
        if (tag_end(now) != 1) return GIVEN_UP;
        skip_space(now);
        if ((more = text_tag(now)) < 0) return GIVEN_UP;
        if (more && ((entities = text_at(now, &begin, &stop)) < 0 || !CLOSES(now, "t"))) return GIVEN_UP;
        skip_space(now);
        if (!CLOSES(now, "is")) return GIVEN_UP;
    }
    skip_space(now);
    if (!CLOSES(now, "c")) return GIVEN_UP;
    if (begin == stop) {
        if (formula && !(valued && type == FORMULA_TEXT)) {
            if (out->unresolveds >= out->cells_room) return GIVEN_UP;
            out->unresolved[out->unresolveds++] = (uint32_t)out->rows - 1;
        }
        return 0;
    }
    if (out->cells >= out->cells_room) return GIVEN_UP;
    keep(now, out->cells, begin, stop, entities);
    out->row[out->cells] = (uint32_t)out->rows - 1;
    out->column[out->cells] = (uint32_t)here;
    out->type[out->cells] = (uint8_t)type;
    out->style[out->cells] = (int32_t)style;
    out->cells++;
    return 0;
}

/* The row that stands behind "<row". */
static int row_at(Reading *now, Sheet *out) {
    Attribute a;
    int more, hidden = 0, said = 0;
    int64_t line = (int64_t)out->line + 1, column = -1;
    while ((more = attribute(now, &a)) > 0) {
        if (is_named(&a, "r")) {
            if (said & 1) return GIVEN_UP;
            said |= 1;
            if ((line = number_of(a.value, a.value_size, 10)) <= 0) return GIVEN_UP;
        } else if (is_named(&a, "hidden")) {
            if (said & 2) return GIVEN_UP;
            said |= 2;
            hidden = (a.value_size == 1 && *a.value == '1') || (a.value_size == 4 && memcmp(a.value, "true", 4) == 0);
        }
    }
    if (more < 0 || line > UINT32_MAX || out->rows >= out->rows_room) return GIVEN_UP;
    out->line = (uint32_t)line;
    out->lines[out->rows] = (uint32_t)line;
    out->hidden[out->rows] = (uint8_t)hidden;
    out->rows++;
    if ((more = tag_end(now)) <= 0) return more;
    for (;;) {
        skip_space(now);
        if (OPENS(now, "c")) {
            if (cell_at(now, out, &column)) return GIVEN_UP;
        } else {
            return CLOSES(now, "row") ? 0 : GIVEN_UP;
        }
    }
}

/* The cells of a block of whole rows; their texts are the one column of `array`. 0; GIVEN_UP: they are not of ordinary
 * shape; NO_MEMORY. */
EXPORT int douane_sheet_cells(const uint8_t *block, uint64_t size, const uint8_t *prefix, uint64_t prefix_size, Sheet *out,
                              ArrowArray *array, ArrowSchema *schema) {
    out->rows = out->cells = out->unresolveds = out->escapes = 0;
    if (!douane_is_utf8(block, size)) return GIVEN_UP;
    Reading now = {.at = block, .end = block + size, .prefix = prefix, .prefix_size = prefix_size};
    now.table = douane_table(1, out->cells_room, size);
    if (now.table == NULL) return NO_MEMORY;
    int failed = 0;
    for (;;) {
        skip_space(&now);
        if (now.at == now.end) break;
        failed = OPENS(&now, "row") ? row_at(&now, out) : GIVEN_UP;
        if (failed) break;
    }
    out->escapes = now.escapes;
    if (!failed) failed = douane_table_columns(now.table, out->cells, array, schema) ? NO_MEMORY : 0;
    douane_table_let_go(now.table);
    return failed;
}

typedef struct {
    uint64_t room, texts;                       /* found */
    uint32_t escapes;
} Texts;

/* The texts of a block of whole `<si>`, as `douane_sheet_cells` does it. */
EXPORT int douane_sheet_texts(const uint8_t *block, uint64_t size, const uint8_t *prefix, uint64_t prefix_size, Texts *out,
                              ArrowArray *array, ArrowSchema *schema) {
    out->texts = out->escapes = 0;
    if (!douane_is_utf8(block, size)) return GIVEN_UP;
    Reading now = {.at = block, .end = block + size, .prefix = prefix, .prefix_size = prefix_size};
    now.table = douane_table(1, out->room, size);
    if (now.table == NULL) return NO_MEMORY;
    int failed = 0;
    for (;;) {
        const uint8_t *begin, *stop;
        int more = 0, entities = 0;
        skip_space(&now);
        if (now.at == now.end) break;
        failed = GIVEN_UP;
        if (!OPENS(&now, "si") || !follows(&now, ">", 1)) break;
        begin = stop = now.at;
        skip_space(&now);
        if ((more = text_tag(&now)) < 0) break;
        if (more && ((entities = text_at(&now, &begin, &stop)) < 0 || !CLOSES(&now, "t"))) break;
        skip_space(&now);
        if (!CLOSES(&now, "si") || out->texts >= out->room) break;
        keep(&now, out->texts++, begin, stop, entities);
        failed = 0;
    }
    out->escapes = now.escapes;
    if (!failed) failed = douane_table_columns(now.table, out->texts, array, schema) ? NO_MEMORY : 0;
    douane_table_let_go(now.table);
    return failed;
}

/* Whether a comment, CDATA or an instruction may begin in it. */
EXPORT int douane_sheet_marked(const uint8_t *text, uint64_t size) {
    const uint8_t *const end = text + size;
    for (int i = 0; i < 2; i++)
        for (const uint8_t *at = text; (at = memchr(at, "!?"[i], (size_t)(end - at))) != NULL; at++)
            if (at > text && at[-1] == '<') return 1;
    return 0;
}
