// Vector registers of whatever CPU this is compiled for, and what is done with their lanes.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint16_t bf16vec __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

static vec load(const float* w) { return *(const vec*)w; }

static vec load(const uint16_t* w) {  // bfloat16 is the upper half of float32
#if defined(__AVX512F__)  // GCC makes six instructions of the other line
    const __m256i halves = _mm256_loadu_si256((const __m256i*)w);
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
#else
    return (vec)(__builtin_convertvector(*(const bf16vec*)w, ivec) << 16);
#endif
}

// As many of the n numbers at x as fit, the rest 0; and the way back. (A copy whose length is known only
// when it is made takes as long as ten whole registers.)
template <class S> static vec load_some(const S* x, long n) {
    if (n >= LANES) return load(x);
    S some[LANES] = {};
    std::memcpy(some, x, n * sizeof(S));
    return load(some);
}

static void store_some(float* x, vec v, long n) {
    if (n >= LANES) *(vec*)x = v;
    else std::memcpy(x, &v, n * sizeof(float));
}

// e^x to float32's precision: 2^n times a polynomial (Cephes' expf).
static vec exp(vec x) {
    x = x < -87.f ? vec{} - 87.f : x > 88.f ? vec{} + 88.f : x;
    const vec n = (x * 1.44269504f + 12582912.f) - 12582912.f;  // rounds
    const vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = 1.9875691500e-4f * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    return p * (vec)((__builtin_convertvector(n, ivec) + 127) << 23);
}

// Lane i of a, then of b: the sums of each two of its lanes that are H apart, where both hold groups of
// 2 H lanes each.
template <int H> static vec fold(vec a, vec b) {
    constexpr int HALF = LANES / 2;
    ivec low;
    for (int i = 0; i < LANES; i++) low[i] = i / HALF * LANES + i % HALF / H * 2 * H + i % HALF % H;
#if defined(__clang__)
    vec sums;
    for (int i = 0; i < LANES; i++) {
        const vec from = i < HALF ? a : b;
        sums[i] = from[low[i] % LANES] + from[low[i] % LANES + H];
    }
    return sums;
#else
    return __builtin_shuffle(a, b, low) + __builtin_shuffle(a, b, low + H);
#endif
}

// The sums of the lanes of each of LANES registers, made in the same order for each.
template <int COUNT = LANES> static inline vec sum_lanes(const vec* v) {
    if constexpr (COUNT == 1) return *v;
    else return fold<LANES / COUNT>(sum_lanes<COUNT / 2>(v), sum_lanes<COUNT / 2>(v + COUNT / 2));
}

using Floats = std::unique_ptr<float[]>;

static Floats floats(size_t count) { return Floats(new float[count]); }

static uint32_t rounded(float x) {  // to bfloat16, halves to even
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static void store(float* to, float x) { *to = x; }
static void store(uint16_t* to, float x) { *to = rounded(x); }
