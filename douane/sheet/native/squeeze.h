/* LZ4 frames, as its format's description has them: what readers of Arrow files unpack. */
#ifndef DOUANE_SQUEEZE_H
#define DOUANE_SQUEEZE_H

#include "kernel.h"

/* No frame of `size` bytes is larger than this. */
static inline uint64_t frame_room(uint64_t size) { return size + size / 255 + (size >> 16) * 4 + 64; }

/* Writes `in` as one frame to `out`, which has room for it, and says how large it is. */
uint64_t douane_squeeze(const uint8_t *in, uint64_t size, uint8_t *out);

#define UNSQUEEZE_SLACK 32                      /* bytes behind `out` that may be written */

/* Unpacks a frame that holds `room` bytes to `out`, which has room for these and UNSQUEEZE_SLACK. 0; else it does not hold
 * so many, or is none that is known here. Sums are not looked at. */
int douane_unsqueeze(const uint8_t *in, uint64_t size, uint8_t *out, uint64_t room);

#endif
