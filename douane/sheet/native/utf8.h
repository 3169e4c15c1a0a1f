/* Whether text is UTF-8, 64 bytes at a time, for those who look at it 64 bytes at a time anyway. */
#ifndef DOUANE_UTF8_H
#define DOUANE_UTF8_H

#include "kernel.h"

/* What was seen of a text so far. */
typedef struct {
    uint8_t last[32], wrong[32];
    int closed;                                 /* no sign began in the last bytes that may go on */
} Looked;

/* 64 zeroes must follow a text: they close what it left open. */
static inline int is_wrong(const Looked *looked) {
    for (size_t i = 0; i < sizeof looked->wrong; i++)
        if (looked->wrong[i]) return 1;
    return 0;
}

#ifdef WIDE
#include <immintrin.h>

/* What is wrong with two bytes that follow each other, by the halves of the first and the upper half of the second: if all
 * three say so, it is. Of CARRY another look at the bytes before tells more. (Keiser and Lemire, "Validating UTF-8 in less
 * than one instruction per byte".) */
enum {
    TOO_SHORT = 1, TOO_LONG = 2, OVERLONG_3 = 4, TOO_LARGE = 8, SURROGATE = 16, OVERLONG_2 = 32, TOO_LARGE_1000 = 64,
    OVERLONG_4 = 64, TWO_CONTINUE = 128, CARRY = TOO_SHORT | TOO_LONG | TWO_CONTINUE,
};

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
#define B(x) ((char)(x))

/* The bytes that stand `back` before those of `now`. */
#define BEFORE(now, last, back) _mm256_alignr_epi8(now, _mm256_permute2x128_si256(last, now, 0x21), 16 - (back))

/* Not zero in some byte: these 32, with the 32 before them, are no UTF-8. */
WIDE static inline __m256i wide_wrong(__m256i now, __m256i last) {
    const __m256i first_high = TWICE(
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, B(TWO_CONTINUE), B(TWO_CONTINUE),
        B(TWO_CONTINUE), B(TWO_CONTINUE), TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
        TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const __m256i first_low = TWICE(
        B(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), B(CARRY | OVERLONG_2), B(CARRY), B(CARRY), B(CARRY | TOO_LARGE),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE), B(CARRY | TOO_LARGE | TOO_LARGE_1000),
        B(CARRY | TOO_LARGE | TOO_LARGE_1000));
    const __m256i second_high = TWICE(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        B(TOO_LONG | OVERLONG_2 | TWO_CONTINUE | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),
        B(TOO_LONG | OVERLONG_2 | TWO_CONTINUE | OVERLONG_3 | TOO_LARGE),
        B(TOO_LONG | OVERLONG_2 | TWO_CONTINUE | SURROGATE | TOO_LARGE),
        B(TOO_LONG | OVERLONG_2 | TWO_CONTINUE | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    const __m256i half = _mm256_set1_epi8(0x0F), before = BEFORE(now, last, 1);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(before, 4), half);
    const __m256i next = _mm256_and_si256(_mm256_srli_epi16(now, 4), half);
    const __m256i pairs = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(first_high, high), _mm256_shuffle_epi8(first_low, _mm256_and_si256(before, half))),
        _mm256_shuffle_epi8(second_high, next));
    /* A third and a fourth byte must continue, and only these may follow another that does. */
    const __m256i third = _mm256_subs_epu8(BEFORE(now, last, 2), _mm256_set1_epi8(B(0xE0 - 0x80)));
    const __m256i fourth = _mm256_subs_epu8(BEFORE(now, last, 3), _mm256_set1_epi8(B(0xF0 - 0x80)));
    const __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(B(0x80)));
    return _mm256_xor_si256(must, pairs);
}

WIDE static inline void wide_look(Looked *looked, const uint8_t *at) {
    const __m256i first = _mm256_loadu_si256((const __m256i *)at), second = _mm256_loadu_si256((const __m256i *)(at + 32));
    const int ascii = _mm256_movemask_epi8(_mm256_or_si256(first, second)) == 0;
    if (ascii && looked->closed) return;
    const __m256i last = _mm256_loadu_si256((const __m256i *)looked->last);
    const __m256i wrong = _mm256_or_si256(wide_wrong(first, last), wide_wrong(second, first));
    _mm256_storeu_si256((__m256i *)looked->wrong,
                        _mm256_or_si256(wrong, _mm256_loadu_si256((const __m256i *)looked->wrong)));
    _mm256_storeu_si256((__m256i *)looked->last, second);
    looked->closed = ascii;
}
#endif

#endif
