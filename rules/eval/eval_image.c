/* rules/eval/eval_image.c - ImageInfo: how many pictures a message has, and how large they are by their own heads.
 */
#include "rules/eval/eval_parts.h"

enum kind { KIND_GIF, KIND_PNG, KIND_JPEG, KINDS, IMAGES_MAX = 100 };

struct image {
    enum kind kind;
    uint64_t width, height; /* 0: not known */
    const char *name;
};

struct eval_images {
    struct image items[IMAGES_MAX];
    size_t count;
};

static uint64_t big(const unsigned char *p, size_t bytes)
{
    uint64_t n = 0;

    while (bytes--)
        n = n << 8 | *p++;
    return n;
}

static void read_gif(struct span bytes, struct image *out)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;

    if (bytes.len < 10 || !(span_starts(bytes, SPAN("GIF87a")) || span_starts(bytes, SPAN("GIF89a"))))
        return;
    out->width = (uint64_t)(p[6] | p[7] << 8);
    out->height = (uint64_t)(p[8] | p[9] << 8);
}

/* Its head is the first chunk; SpamAssassin also finds it further back. */
static void read_png(struct span bytes, struct image *out)
{
    static const char head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const unsigned char *p = (const unsigned char *)bytes.ptr;

    if (bytes.len < 24 || memcmp(p, head, 16) != 0)
        return;
    out->width = big(p + 16, 4);
    out->height = big(p + 20, 4);
}

/* The first frame's header among the segments. */
static void read_jpeg(struct span bytes, struct image *out)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;

    if (!span_starts(bytes, SPAN("\xff\xd8")))
        return;
    for (size_t at = 2; at + 9 <= bytes.len && p[at] == 0xff;) {
        unsigned mark = p[at + 1];
        size_t length = (size_t)big(p + at + 2, 2);

        if (mark == 0xda || mark == 0xd9 || length < 2)
            return;
        if (mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc) {
            out->height = big(p + at + 5, 2);
            out->width = big(p + at + 7, 2);
            return;
        }
        at += 2 + length;
    }
}

static bool kind_of(const char *type, enum kind *out)
{
    static const struct {
        const char *type;
        enum kind kind;
    } kinds[] = {
        { "image/gif", KIND_GIF }, { "image/png", KIND_PNG }, { "image/jpeg", KIND_JPEG }, { "image/jpg", KIND_JPEG }
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i].type) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

static const struct eval_images *images_of(struct scanning *s)
{
    void (*const readers[KINDS])(struct span, struct image *) = { read_gif, read_png, read_jpeg };
    struct eval_memo *memo = eval_memo(s);
    struct mime_part *part;

    if (memo->images)
        return memo->images;
    struct eval_images *all = arena_alloc(s->q->arena, sizeof *all);
    for (size_t at = 0; all->count < IMAGES_MAX && (part = eval_part_next(s, &at));) {
        struct image *one = &all->items[all->count];

        if (!eval_part_is_leaf(part) || !kind_of(part->type, &one->kind) ||
            !span_is(eval_part_field(s, part, "Content-Transfer-Encoding"), "base64"))
            continue;
        readers[one->kind](mime_bytes(s->q->message, part), one);
        one->name = part->filename ? part->filename : "";
        all->count++;
    }
    memo->images = all;
    return all;
}

/* The rule's first argument names a kind, or "all". */
static bool is_wanted(const struct rule *rule, const struct image *image)
{
    static const char *const names[KINDS] = { "gif", "png", "jpeg" };
    const char *kind = eval_argument(rule, 0);

    return strcmp(kind, "all") == 0 || strcmp(kind, names[image->kind]) == 0;
}

static unsigned is_between(double value, const struct rule *rule)
{
    return value >= eval_number(rule, 1, 0) && (eval_is_unset(rule, 2) || value <= eval_number(rule, 2, 0));
}

static unsigned image_count(struct scanning *s, const struct rule *rule)
{
    const struct eval_images *all = images_of(s);
    size_t n = 0;

    for (size_t i = 0; i < all->count; i++)
        n += is_wanted(rule, &all->items[i]);
    return is_between((double)n, rule);
}

static double pixels(struct scanning *s, const struct rule *rule)
{
    const struct eval_images *all = images_of(s);
    double area = 0;

    for (size_t i = 0; i < all->count; i++)
        if (is_wanted(rule, &all->items[i]))
            area += (double)all->items[i].width * (double)all->items[i].height;
    return area;
}

static unsigned pixel_coverage(struct scanning *s, const struct rule *rule)
{
    return is_between(pixels(s, rule), rule);
}

static unsigned image_to_text(struct scanning *s, const struct rule *rule)
{
    const struct rule_lines *lines = rule->kind == RULE_RAWBODY ? &s->rawbody : &s->body;
    double area = pixels(s, rule), text = 0;

    for (size_t i = 0; i < lines->count; i++)
        text += (double)lines->items[i].len;
    return text > 0 && area > 0 && text / area >= eval_number(rule, 1, 0) && text / area < eval_number(rule, 2, 0);
}

static unsigned size_exact(struct scanning *s, const struct rule *rule)
{
    const struct eval_images *all = images_of(s);

    for (size_t i = 0; i < all->count; i++) {
        const struct image *one = &all->items[i];
        if (one->width && one->height && is_wanted(rule, one) && one->height == (uint64_t)eval_number(rule, 1, 0) &&
            one->width == (uint64_t)eval_number(rule, 2, 0))
            return 1;
    }
    return 0;
}

static unsigned size_range(struct scanning *s, const struct rule *rule)
{
    const struct eval_images *all = images_of(s);

    for (size_t i = 0; i < all->count; i++) {
        const struct image *one = &all->items[i];
        double height = (double)one->height, width = (double)one->width;
        if (one->width && one->height && is_wanted(rule, one) && height >= eval_number(rule, 1, 0) &&
            width >= eval_number(rule, 2, 0) && (eval_is_unset(rule, 3) || height <= eval_number(rule, 3, 0)) &&
            (eval_is_unset(rule, 4) || width <= eval_number(rule, 4, 0)))
            return 1;
    }
    return 0;
}

static unsigned image_named(struct scanning *s, const struct rule *rule)
{
    const struct eval_images *all = images_of(s);

    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].width && all->items[i].name[0] && strcmp(all->items[i].name, eval_argument(rule, 0)) == 0)
            return 1;
    return 0;
}

static unsigned image_name_matches(struct scanning *s, const struct rule *rule)
{
    const struct eval_images *all = images_of(s);

    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].width && all->items[i].name[0] && eval_matches(s, rule, 0, span_of(all->items[i].name)))
            return 1;
    return 0;
}

#define IMAGE SA_PLUGIN("ImageInfo")

const struct eval_function eval_image_functions[] = {
    { "image_count", IMAGE, image_count, 2, 3 },
    { "pixel_coverage", IMAGE, pixel_coverage, 2, 3 },
    { "image_to_text_ratio", IMAGE, image_to_text, 3, 3 },
    { "image_size_exact", IMAGE, size_exact, 3, 3 },
    { "image_size_range", IMAGE, size_range, 3, 5 },
    { "image_named", IMAGE, image_named, 1, 1 },
    { "image_name_regex", IMAGE, image_name_matches, 1, 1 },
    { 0 },
};
