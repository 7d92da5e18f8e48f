// One verification step of a Llama-family model on a CPU: `verify` and the heads of engine/lean.py,
// in float32, or with products of bfloat16 where the CPU has an instruction for them.

#include "attention.h"
#include "helpers.h"
#include "products.h"

extern "C" {

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

// For each of some rows of text n nodes: ids and depth [rows, n], sees [rows, n, n], and keys and values
// [layers, 2, rows, kv_heads, slots, d_head], whose first four dimensions have these strides. Of their slots the
// first lengths [rows] count, and the nodes' own are written behind those. -> hidden [rows * n, hidden], and
// logits [wanted, V] of the last nodes. S is the type of keys and values.
template <class S>
static void verify_with(
    const Model* model, int32_t rows, int32_t n, const int64_t* ids, const int64_t* depth, const bool* sees,
    const int64_t* lengths, S* states, const int64_t* strides, int32_t wanted, float* hidden, float* logits
) {
    const long dim = model->hidden, inner = model->inner, d = model->d_head;
    const long heads = model->heads, kv_heads = model->kv_heads, group = heads / kv_heads;
    const long q_row = heads * d, kv_row = kv_heads * d, qkv_row = q_row + 2 * kv_row;
    const long all = rows * n;
    const long queries = group * n;  // of one key-value head and row; query r is that of node r % n
    const long batches = (queries + QUERIES - 1) / QUERIES;
    const Floats stream = floats(all * dim), narrow = floats(all * std::max(dim, q_row));
    const Floats broad = floats(all * std::max(qkv_row, 2 * inner)), gates = floats(all * inner);
    const float scale = 1 / __builtin_sqrtf(d);
    const WithHelp help;
    float *x = stream.get(), *h = narrow.get(), *wide = broad.get(), *gated = gates.get();

    for (long i = 0; i < all; i++)
        std::memcpy(x + i * dim, model->embedding + ids[i] * dim, dim * sizeof(float));
    for (long l = 0; l < model->depth; l++) {
        const Layer& layer = model->layers[l];
        const auto keys_of = [&](long row, long kv) {
            return states + l * strides[0] + row * strides[2] + kv * strides[3];
        };
        rms_norm(all, dim, x, layer.attention_norm, model->epsilon, h);
        linear(all, h, layer.qkv, wide);
        in_parts(all, [&](long i) {
            const long row = i / n, node = i % n;
            float* own = wide + i * qkv_row;
            const long position = (lengths[row] + depth[i]) * d;
            rotate(heads + kv_heads, d, model->cos + position, model->sin + position, own);
            for (long k = 0; k < q_row; k++) own[k] *= scale;
            for (long kv = 0; kv < kv_heads; kv++) {
                const float* key = own + q_row + kv * d;
                S* to = keys_of(row, kv) + (lengths[row] + node) * d;
                for (long k = 0; k < d; k++) {
                    store(to + k, key[k]);
                    store(to + strides[1] + k, key[kv_row + k]);
                }
            }
        });
        in_parts(rows * kv_heads * batches, [&](long part) {
            const long row = part / (kv_heads * batches), kv = part / batches % kv_heads;
            const long first = part % batches * QUERIES;
            const long count = std::min<long>(QUERIES, queries - first);
            const S *keys = keys_of(row, kv), *values = keys + strides[1];
            const long among = lengths[row] * d;
            const float* q[QUERIES];
            const bool* seen[QUERIES];
            float* y[QUERIES];
            for (long each = 0; each < QUERIES; each++) {
                const long r = first + std::min(each, count - 1);  // too many: the last
                const long i = row * n + r % n, head = (kv * group + r / n) * d;
                q[each] = wide + i * qkv_row + head;
                seen[each] = sees + i * n;
                y[each] = h + i * q_row + head;
            }
            // What none of them sees is left out: half of a prompt, whose nodes see those before them.
            long near = n;
            while (near > 1 && !std::any_of(seen, seen + QUERIES, [&](auto* s) { return s[near - 1]; }))
                near--;
            const Slots<S> slots[2] = {
                {keys, values, lengths[row]},
                {keys + among, values + among, near},
            };
            const Floats scores = floats((lengths[row] + near) * QUERIES);
            const auto ways = {attend<1, S>, attend<2, S>, attend<4, S>, attend<4, S>};
            ways.begin()[count - 1](q, d, slots, seen, scores.get(), y);
        });
        linear(all, h, layer.o, x, true);
        rms_norm(all, dim, x, layer.mlp_norm, model->epsilon, h);
        linear(all, h, layer.gate_up, wide);
        in_parts(all, [&](long i) {
            const float* own = wide + i * 2 * inner;
            gate(inner, own, own + inner, gated + i * inner);
        });
        linear(all, gated, layer.down, x, true);
    }
    rms_norm(all, dim, x, model->norm, model->epsilon, hidden);
    linear(wanted, hidden + (all - wanted) * dim, model->unembedding, logits);
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

// As above, with keys and values in bfloat16 if `halves`, else in float32.
void verify(
    bool halves, const Model* model, int32_t rows, int32_t n, const int64_t* ids, const int64_t* depth,
    const bool* sees, const int64_t* lengths, void* states, const int64_t* strides, int32_t wanted,
    float* hidden, float* logits
) {
    const auto with = [&](auto* states) {
        verify_with(model, rows, n, ids, depth, sees, lengths, states, strides, wanted, hidden, logits);
    };
    if (halves) with((uint16_t*)states);
    else with((float*)states);
}

// State last [hidden] -> the tokens [heads, ranks] that the first heads find likeliest, in order.
// `unembedding` is one for all of them, or as many as there are heads.
void guess(
    int32_t heads, const Matrix* blocks, int32_t unembeddings, const Matrix* unembedding, const float* last,
    int32_t ranks, int64_t* found
) {
    const long d = blocks->inputs, vocabulary = unembedding->outputs;
    const WithHelp help;
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
