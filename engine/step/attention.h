// Attention of the nodes of a draft tree to the slots of the cache and to each other. Where a model has a
// key-value head for each of few queries, a register has LANES dimensions of one slot's key or value.

#pragma once

#include <algorithm>

#include "registers.h"

constexpr int QUERIES = 4;  // that attend together

// Keys and values [count, d] of one key-value head, in float32 or bfloat16.
template <class S> struct Slots {
    const S *keys, *values;
    long count;
};

// y [Q][part of d] = the values of all slots, weighted by weights [slots][Q] that sum up to `total`: from
// dimension `first` on, P registers wide, or the last d - first if they fill none.
template <int Q, int P, class S>
static void weigh(
    const float* weights, const float (&total)[Q], const Slots<S> (&slots)[2], long d, long first,
    float* const* y
) {
    const long width = d - first;
    vec sums[P][Q] = {};
    for (const Slots<S>& s : slots) {
        const S* values = s.values + first;
        for (long l = 0; l < s.count; l++, values += d, weights += Q) {
#pragma GCC unroll 4
            for (int p = 0; p < P; p++) {
                const vec value = P > 1 ? load(values + p * LANES) : load_some(values, width);
#pragma GCC unroll 4
                for (int q = 0; q < Q; q++) sums[p][q] += weights[q] * value;
            }
        }
    }
    for (int p = 0; p < P; p++)
        for (int q = 0; q < Q; q++) store_some(y[q] + first + p * LANES, sums[p][q] / total[q], width);
}

// Q queries [d] attend to committed slots and to those of the tree, as far as sees [slots of the tree] of
// each lets them -> y [d] of each. scores has room for [slots][Q]. Sums over slots are made one after the
// other, so that a slot that is not seen, whose weight is next to nothing, changes none.
template <int Q, class S>
static void attend(
    const float* const* queries, long d, const Slots<S> (&slots)[2], const bool* const* sees,
    float* scores, float* const* y
) {
    constexpr int AT_ONCE = LANES / Q;  // slots
    const long before = slots[0].count, all = before + slots[1].count;
    float* at = scores;
    for (const Slots<S>& s : slots) {
        for (long l = 0; l < s.count; l += AT_ONCE) {
            vec sums[LANES] = {};
            const auto add = [&](long k, auto part) {
#pragma GCC unroll 16
                for (int i = 0; i < AT_ONCE; i++) {
                    const vec key = part(s.keys + std::min(l + i, s.count - 1) * d + k);
#pragma GCC unroll 4
                    for (int q = 0; q < Q; q++) sums[i * Q + q] += part(queries[q] + k) * key;
                }
            };
            long k = 0;
            for (; k + LANES <= d; k += LANES) add(k, [](auto* x) { return load(x); });
            if (k < d) add(k, [&](auto* x) { return load_some(x, d - k); });
            const long count = std::min<long>(AT_ONCE, s.count - l) * Q;
            store_some(at, sum_lanes(sums), count);
            at += count;
        }
    }
    float best[Q], total[Q] = {};
    for (int q = 0; q < Q; q++) {
        best[q] = -3e38f;
        for (long j = 0; j < slots[1].count; j++)
            if (!sees[q][j]) scores[(before + j) * Q + q] = -1e30f;
    }
    for (long l = 0; l < all; l++)
        for (int q = 0; q < Q; q++) best[q] = std::max(best[q], scores[l * Q + q]);
    vec most;
    for (int i = 0; i < LANES; i++) most[i] = best[i % Q];
    for (long i = 0; i < all * Q; i += LANES)
        store_some(scores + i, exp(load_some(scores + i, all * Q - i) - most), all * Q - i);
    for (long l = 0; l < all; l++)
        for (int q = 0; q < Q; q++) total[q] += scores[l * Q + q];
    long k = 0;
    for (; k + 4 * LANES <= d; k += 4 * LANES) weigh<Q, 4>(scores, total, slots, d, k, y);
    for (; k < d; k += LANES) weigh<Q, 1>(scores, total, slots, d, k, y);
}
