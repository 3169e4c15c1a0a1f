/* 64 bytes at once -> a bit for each that is a quote, a delimiter, LF or CR. */
#ifndef DOUANE_SCAN_H
#define DOUANE_SCAN_H

#include "kernel.h"

typedef struct {
    uint64_t quotes, delimiters, feeds, carriages;
} Signs;

#if defined(__SSE2__)
#include <emmintrin.h>

static inline uint64_t equal_16(const uint8_t *at, __m128i sign) {
    return (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)at), sign));
}

static inline uint64_t equal_64(const uint8_t *at, uint8_t sign) {
    __m128i all = _mm_set1_epi8((char)sign);
    return equal_16(at, all) | equal_16(at + 16, all) << 16 | equal_16(at + 32, all) << 32 | equal_16(at + 48, all) << 48;
}
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>

static inline uint64_t equal_64(const uint8_t *at, uint8_t sign) {
    const uint8x16_t all = vdupq_n_u8(sign);
    const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(at), all), bits), b = vandq_u8(vceqq_u8(vld1q_u8(at + 16), all), bits);
    uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(at + 32), all), bits), d = vandq_u8(vceqq_u8(vld1q_u8(at + 48), all), bits);
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}
#else
static inline uint64_t equal_64(const uint8_t *at, uint8_t sign) {
    uint64_t found = 0;
    for (int i = 0; i < 64; i++) found |= (uint64_t)(at[i] == sign) << i;
    return found;
}
#endif

#ifdef WIDE
#include <immintrin.h>

WIDE static inline uint64_t wide_equal_64(const uint8_t *at, uint8_t sign) {
    const __m256i all = _mm256_set1_epi8((char)sign);
    const __m256i first = _mm256_loadu_si256((const __m256i *)at), second = _mm256_loadu_si256((const __m256i *)(at + 32));
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(first, all)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(second, all)) << 32;
}
#endif

/* One of the two above. */
typedef uint64_t (*Equal64)(const uint8_t *at, uint8_t sign);

/* The signs of `at[0..63]`. `quote` is not looked for where `quoted` is 0. */
INLINED Signs signs_of(const uint8_t *at, uint8_t delimiter, uint8_t quote, int quoted, Equal64 equal) {
    Signs found;
    found.quotes = quoted ? equal(at, quote) : 0;
    found.delimiters = equal(at, delimiter);
    found.feeds = equal(at, '\n');
    found.carriages = equal(at, '\r');
    return found;
}

#endif
