/* What the parts of the kernel share. `__init__.py` says what it is for; these files know no Python. */
#ifndef DOUANE_KERNEL_H
#define DOUANE_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define INLINED static inline __attribute__((always_inline))

/* Where the compiler can, some functions are there twice: the second for processors of 2013 and later. Which one is asked
 * is decided as it runs. DOUANE_NARROW: not here, so that the first can be tested. */
#if defined(__x86_64__) && !defined(DOUANE_NARROW)
#define WIDE __attribute__((target("avx2,bmi,bmi2,popcnt")))
static inline int is_wide(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}
#endif

/* A text of Arrow's string views: up to 12 bytes stand in it, else the first 4 and where all of them are. */
typedef struct {
    uint32_t length;
    union {
        uint8_t inlined[12];
        struct {
            uint8_t prefix[4];
            uint32_t buffer, offset;
        } far;
    };
} View;

/* Arrow's C data interface, as its specification spells it. */
typedef struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
} ArrowSchema;

typedef struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
} ArrowArray;

typedef struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
} ArrowArrayStream;

/* Whether the bytes are UTF-8 as Unicode defines it: no surrogates, nothing overlong, nothing beyond U+10FFFF. */
int douane_is_utf8(const uint8_t *text, size_t size);

/* From here on the heap keeps what is freed of large blocks, for whoever needs the same room again at once (`csv.c`). */
void douane_keep_freed(void);

static inline uint32_t u32(const uint8_t *at) {
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

/* A number as both kinds of binary workbooks pack it (RkNumber). */
static inline double rk_number(uint32_t packed) {
    double number;
    if (packed & 2) {
        number = (double)((int32_t)packed >> 2);
    } else {
        const uint64_t upper = (uint64_t)(packed & 0xFFFFFFFC) << 32;
        memcpy(&number, &upper, sizeof number);
    }
    return packed & 1 ? number / 100 : number;
}

#endif
