// One verification step of a Llama-family model on a CPU: `verify` and the heads of engine/lean.py,
// in float32, or with products of bfloat16 where the CPU has an instruction for them.
//
// A product has few rows, so it is as fast as its weights are read or, from some 8 rows on, as the CPU
// multiplies. Both want the weights in the order in which they are used, so engine/compiled.py packs
// every matrix [outputs, inputs] into panels [outputs / LANES][inputs][LANES]: a vector register has
// one input's weights for LANES outputs. In attention, where a model has a key-value head for each of few
// queries, a register has LANES dimensions of one slot's key or value.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
constexpr int ROWS = 16;  // of a product at a time; each keeps a sum in a register
#elif defined(__AVX__)
#define LANES 8
constexpr int ROWS = 8;
#else
#define LANES 4
constexpr int ROWS = 8;
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint16_t bf16vec __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

extern "C" {

// W [outputs, inputs], in panels of the given form; a bias [outputs], if there is one.
struct Matrix {
    const void* panels;
    const float* bias;
    int32_t outputs, inputs, form;
};

struct Layer {
    Matrix qkv, o, gate_up, down;
    const float *attention_norm, *mlp_norm;
};

struct Model {
    const Layer* layers;
    const float *embedding, *norm, *cos, *sin;  // [V, hidden], [hidden], [positions, d_head]
    Matrix unembedding;
    int32_t depth, hidden, inner, heads, kv_heads, d_head;
    float epsilon;
};
}

// What a panel holds: float32; bfloat16; or bfloat16 of two inputs side by side, [inputs / 2][LANES][2],
// for CPUs that multiply and add such pairs at once. The latter round what they are multiplied by.
enum Form { FLOATS, HALVES, PAIRS };

static vec load(const float* w) { return *(const vec*)w; }

// As many of the n numbers at x as fit, the rest 0; and the way back. (A copy whose length is known only
// when it is made takes as long as ten whole registers.)
static vec load_some(const float* x, long n) {
    if (n >= LANES) return load(x);
    vec v = {};
    std::memcpy(&v, x, n * sizeof(float));
    return v;
}

static void store_some(float* x, vec v, long n) {
    if (n >= LANES) *(vec*)x = v;
    else std::memcpy(x, &v, n * sizeof(float));
}

static vec load(const uint16_t* w) {  // bfloat16 is the upper half of float32
#if defined(__AVX512F__)  // GCC makes six instructions of the other line
    const __m256i halves = _mm256_loadu_si256((const __m256i*)w);
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
#else
    return (vec)(__builtin_convertvector(*(const bf16vec*)w, ivec) << 16);
#endif
}

static vec plus_product(vec sum, float x, vec w) { return sum + x * w; }

#if defined(__AVX512BF16__)
struct Pairs {
    __m512bh values;
};

static Pairs load(const uint32_t* w) { return {(__m512bh)_mm512_loadu_si512(w)}; }

static vec plus_product(vec sum, float x, Pairs w) {  // x has the bits of a pair
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(x), w.values);
}
#endif

// sums[m][v] += the products of M rows x with V panels, input after input, so that a sum that is made in
// two parts is the same number. Row m, input k of x is x[m * row + k * step].
template <int M, int V, class W>
static void multiply(const float* x, long row, long step, long inputs, const W* w, vec (&sums)[M][V]) {
    vec s[M][V];
    std::memcpy(s, sums, sizeof s);
    for (long k = 0; k < inputs; k++) {
#pragma GCC unroll 16
        for (int v = 0; v < V; v++) {
            const auto weights = load(w + (v * inputs + k) * LANES);
#pragma GCC unroll 16
            for (int m = 0; m < M; m++)
                s[m][v] = plus_product(s[m][v], x[m * row + k * step], weights);
        }
    }
    std::memcpy(sums, s, sizeof s);
}

// Where a product goes: row m, output o to y[m * row + o], added to what is there if `add`.
struct Target {
    float* y;
    long row, outputs;
    const float* bias;
    bool add;
};

template <int M, int V, class W>
static void panels(const float* x, long row, long step, long inputs, const W* w, Target to, long first) {
    vec sums[M][V] = {};
    const auto each = [&](auto visit) {
        for (int v = 0; v < V; v++) {
            const long o = (first + v) * LANES;
            for (int m = 0; m < M; m++) visit(sums[m][v], to.y + m * to.row + o, o);
        }
    };
    if (to.add) each([&](vec& sum, float* y, long o) { sum = load_some(y, to.outputs - o); });
    multiply<M, V>(x, row, step, inputs, w + first * inputs * LANES, sums);
    each([&](vec& sum, float* y, long o) {
        if (to.bias) sum += load(to.bias + o);
        store_some(y, sum, to.outputs - o);
    });
}

template <int M, class W>
static void rows(const float* x, long row, long step, long inputs, const W* w, Target to) {
    constexpr int V = std::min(4, ROWS / M);  // few rows take several panels at a time
    const long count = (to.outputs + LANES - 1) / LANES;
    long p = 0;
    for (; p + V <= count; p += V) panels<M, V>(x, row, step, inputs, w, to, p);
    for (; p < count; p++) panels<M, 1>(x, row, step, inputs, w, to, p);
}

// rows<n>, for an n known only now.
template <int M, class W>
static void some_rows(long n, const float* x, long row, long step, long inputs, const W* w, Target to) {
    if (n == M) return rows<M>(x, row, step, inputs, w, to);
    if constexpr (M > 1) some_rows<M - 1>(n, x, row, step, inputs, w, to);
}

// y = x W^T for n rows.
template <class W>
static void product(long n, const float* x, long row, long step, long inputs, const W* w, Target to) {
    for (long m = 0; m < n; m += ROWS) {
        Target part = to;
        part.y += m * to.row;
        some_rows<ROWS>(std::min<long>(ROWS, n - m), x + m * row, row, step, inputs, w, part);
    }
}

using Floats = std::unique_ptr<float[]>;

static Floats floats(size_t count) { return Floats(new float[count]); }

static uint32_t rounded(float x) {  // to bfloat16, halves to even
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// y = x W^T + bias for n rows, added to what is in y if `add`.
static void linear(long n, const float* x, const Matrix& w, float* y, bool add = false) {
    const long inputs = w.inputs, pairs = inputs / 2;
    const Floats together = floats(inputs * ROWS);  // [inputs][rows]: what is multiplied at a time
    for (; n > 0; n -= ROWS, x += ROWS * inputs, y += ROWS * w.outputs) {
        const long count = std::min<long>(ROWS, n);
        const Target to{y, w.outputs, w.outputs, w.bias, add};
#if defined(__AVX512BF16__)
        if (w.form == PAIRS) {
            for (long m = 0; m < count; m++) {
                const float* own = x + m * inputs;
                for (long k = 0; k < pairs; k++) {
                    const uint32_t pair = rounded(own[2 * k]) | rounded(own[2 * k + 1]) << 16;
                    std::memcpy(&together[k * count + m], &pair, sizeof pair);
                }
            }
            product(count, together.get(), 1, count, pairs, (const uint32_t*)w.panels, to);
            continue;
        }
#endif
        for (long m = 0; m < count; m++)
            for (long k = 0; k < inputs; k++) together[k * count + m] = x[m * inputs + k];
        if (w.form == HALVES)
            product(count, together.get(), 1, count, inputs, (const uint16_t*)w.panels, to);
        else
            product(count, together.get(), 1, count, inputs, (const float*)w.panels, to);
    }
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

static void rms_norm(long n, long d, const float* x, const float* weight, float epsilon, float* y) {
    for (long i = 0; i < n; i++, x += d, y += d) {
        float sums[LANES] = {}, square = 0;
        for (long k = 0; k < d; k++) sums[k % LANES] += x[k] * x[k];
        for (float sum : sums) square += sum;
        const float scale = 1 / __builtin_sqrtf(square / d + epsilon);
        for (long k = 0; k < d; k++) y[k] = x[k] * scale * weight[k];
    }
}

static vec silu(vec x) { return x / (exp(-x) + 1.f); }

// y = silu(a) * b
static void gate(long n, const float* a, const float* b, float* y) {
    long k = 0;
    for (; k + LANES <= n; k += LANES) *(vec*)(y + k) = silu(load(a + k)) * load(b + k);
    for (; k < n; k++) y[k] = silu(vec{} + a[k])[0] * b[k];
}

// Rotary position embedding of x [heads, d], by cos and sin [d].
static void rotate(long heads, long d, const float* cos, const float* sin, float* x) {
    for (long h = 0; h < heads; h++, x += d) {
        for (long k = 0; k < d / 2; k++) {
            const float a = x[k], b = x[k + d / 2];
            x[k] = a * cos[k] - b * sin[k];
            x[k + d / 2] = b * cos[k + d / 2] + a * sin[k + d / 2];
        }
    }
}

constexpr int QUERIES = 4;  // that attend together

// Keys and values [count, d] of one key-value head.
struct Slots {
    const float *keys, *values;
    long count;
};

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

// y [Q][part of d] = the values of all slots, weighted by weights [slots][Q] that sum up to `total`: from
// dimension `first` on, P registers wide, or the last d - first if they fill none.
template <int Q, int P>
static void weigh(
    const float* weights, const float (&total)[Q], const Slots (&slots)[2], long d, long first,
    float* const* y
) {
    const long width = d - first;
    vec sums[P][Q] = {};
    for (const Slots& s : slots) {
        const float* values = s.values + first;
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
template <int Q>
static void attend(
    const float* const* queries, long d, const Slots (&slots)[2], const bool* const* sees, float* scores,
    float* const* y
) {
    constexpr int AT_ONCE = LANES / Q;  // slots
    const long before = slots[0].count, all = before + slots[1].count;
    float* at = scores;
    for (const Slots& s : slots) {
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
            for (; k + LANES <= d; k += LANES) add(k, [](const float* x) { return load(x); });
            if (k < d) add(k, [&](const float* x) { return load_some(x, d - k); });
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

// The places of the greatest `count` of n numbers, the greatest first; of equals the first.
static void best(const float* x, long n, long count, int64_t* places) {
    long kept = 0;
    for (long i = 0; i < n; i++) {
        if (kept == count && !(x[i] > x[places[count - 1]])) continue;
        long at = kept < count ? kept++ : count - 1;
        for (; at > 0 && x[i] > x[places[at - 1]]; at--) places[at] = places[at - 1];
        places[at] = i;
    }
}

extern "C" {

int32_t lanes() { return LANES; }

// Whether matrices may come as PAIRS.
bool takes_pairs() {
#if defined(__AVX512BF16__)
    return true;
#else
    return false;
#endif
}

// ids [n], depth [n], sees [n, n] and past keys and values [layers, 2, kv_heads, length, d_head], of which
// the first three dimensions have these strides -> hidden [n, hidden], logits [wanted, V] of the last
// nodes, and the nodes' keys and values [layers, 2, kv_heads, n, d_head].
void verify(
    const Model* model, int32_t n, const int64_t* ids, const int64_t* depth, const bool* sees,
    int32_t length, const float* past, int64_t layer_stride, int64_t value_stride, int64_t head_stride,
    int32_t wanted, float* hidden, float* logits, float* added
) {
    const long dim = model->hidden, inner = model->inner, d = model->d_head;
    const long heads = model->heads, kv_heads = model->kv_heads, group = heads / kv_heads;
    const long q_row = heads * d, kv_row = kv_heads * d, qkv_row = q_row + 2 * kv_row;
    const long queries = group * n;  // of one key-value head; query r is that of node r % n
    const Floats stream = floats(n * dim), narrow = floats(n * std::max(dim, q_row));
    const Floats broad = floats(n * std::max(qkv_row, 2 * inner)), gates = floats(n * inner);
    const Floats scores = floats((length + n) * QUERIES);
    const float scale = 1 / __builtin_sqrtf(d);
    float *x = stream.get(), *h = narrow.get(), *wide = broad.get(), *gated = gates.get();

    for (long i = 0; i < n; i++)
        std::memcpy(x + i * dim, model->embedding + ids[i] * dim, dim * sizeof(float));
    for (long l = 0; l < model->depth; l++) {
        const Layer& layer = model->layers[l];
        const float* before = past + l * layer_stride;
        float *keys = added + 2 * l * n * kv_row, *values = keys + n * kv_row;
        rms_norm(n, dim, x, layer.attention_norm, model->epsilon, h);
        linear(n, h, layer.qkv, wide);
        for (long i = 0; i < n; i++) {
            float* own = wide + i * qkv_row;
            const long position = (length + depth[i]) * d;
            rotate(heads + kv_heads, d, model->cos + position, model->sin + position, own);
            for (long k = 0; k < q_row; k++) own[k] *= scale;
            for (long kv = 0; kv < kv_heads; kv++) {
                const float* key = own + q_row + kv * d;
                std::memcpy(keys + (kv * n + i) * d, key, d * sizeof(float));
                std::memcpy(values + (kv * n + i) * d, key + kv_row, d * sizeof(float));
            }
        }
        for (long kv = 0; kv < kv_heads; kv++) {
            const Slots slots[2] = {
                {before + kv * head_stride, before + value_stride + kv * head_stride, length},
                {keys + kv * n * d, values + kv * n * d, n},
            };
            for (long first = 0; first < queries; first += QUERIES) {
                const long count = std::min<long>(QUERIES, queries - first);
                const float* q[QUERIES];
                const bool* seen[QUERIES];
                float* y[QUERIES];
                for (long each = 0; each < QUERIES; each++) {
                    const long r = first + std::min(each, count - 1), i = r % n;  // too many: the last
                    const long head = (kv * group + r / n) * d;
                    q[each] = wide + i * qkv_row + head;
                    seen[each] = sees + i * n;
                    y[each] = h + i * q_row + head;
                }
                const auto ways = {attend<1>, attend<2>, attend<4>, attend<4>};
                ways.begin()[count - 1](q, d, slots, seen, scores.get(), y);
            }
        }
        linear(n, h, layer.o, x, true);
        rms_norm(n, dim, x, layer.mlp_norm, model->epsilon, h);
        linear(n, h, layer.gate_up, wide);
        for (long i = 0; i < n; i++) {
            const float* own = wide + i * 2 * inner;
            gate(inner, own, own + inner, gated + i * inner);
        }
        linear(n, gated, layer.down, x, true);
    }
    rms_norm(n, dim, x, model->norm, model->epsilon, hidden);
    linear(wanted, hidden + (n - wanted) * dim, model->unembedding, logits);
}

// State last [hidden] -> the tokens [heads, ranks] that the first heads find likeliest, in order.
// `unembedding` is one for all of them, or as many as there are heads.
void guess(
    int32_t heads, const Matrix* blocks, int32_t unembeddings, const Matrix* unembedding, const float* last,
    int32_t ranks, int64_t* found
) {
    const long d = blocks->inputs, vocabulary = unembedding->outputs;
    const Floats inner = floats(d), states = floats(heads * d), logits = floats(heads * vocabulary);
    for (long h = 0; h < heads; h++) {
        linear(1, last, blocks[h], inner.get());
        for (long k = 0; k < d; k++) states[h * d + k] = last[k] + silu(vec{} + inner[k])[0];
    }
    if (unembeddings == 1) linear(heads, states.get(), *unembedding, logits.get());
    for (long h = 0; h < heads; h++) {
        float* own = logits.get() + h * vocabulary;
        if (unembeddings > 1) linear(1, states.get() + h * d, unembedding[h], own);
        best(own, vocabulary, ranks, found + h * ranks);
    }
}
}
