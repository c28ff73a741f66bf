/* content/html_color.c - colours by name, and how far two are apart. */
#include "gateway/content/html_color.h"

static const struct {
    const char *name;
    uint32_t rgb;
} names[] = {
    { "aliceblue", 0xf0f8ff },
    { "antiquewhite", 0xfaebd7 },
    { "aqua", 0x00ffff },
    { "aquamarine", 0x7fffd4 },
    { "azure", 0xf0ffff },
    { "beige", 0xf5f5dc },
    { "bisque", 0xffe4c4 },
    { "black", 0x000000 },
    { "blanchedalmond", 0xffebcd },
    { "blue", 0x0000ff },
    { "blueviolet", 0x8a2be2 },
    { "brown", 0xa52a2a },
    { "burlywood", 0xdeb887 },
    { "cadetblue", 0x5f9ea0 },
    { "chartreuse", 0x7fff00 },
    { "chocolate", 0xd2691e },
    { "coral", 0xff7f50 },
    { "cornflowerblue", 0x6495ed },
    { "cornsilk", 0xfff8dc },
    { "crimson", 0xdc143c },
    { "cyan", 0x00ffff },
    { "darkblue", 0x00008b },
    { "darkcyan", 0x008b8b },
    { "darkgoldenrod", 0xb8860b },
    { "darkgray", 0xa9a9a9 },
    { "darkgreen", 0x006400 },
    { "darkgrey", 0xa9a9a9 },
    { "darkkhaki", 0xbdb76b },
    { "darkmagenta", 0x8b008b },
    { "darkolivegreen", 0x556b2f },
    { "darkorange", 0xff8c00 },
    { "darkorchid", 0x9932cc },
    { "darkred", 0x8b0000 },
    { "darksalmon", 0xe9967a },
    { "darkseagreen", 0x8fbc8f },
    { "darkslateblue", 0x483d8b },
    { "darkslategray", 0x2f4f4f },
    { "darkslategrey", 0x2f4f4f },
    { "darkturquoise", 0x00ced1 },
    { "darkviolet", 0x9400d3 },
    { "deeppink", 0xff1493 },
    { "deepskyblue", 0x00bfff },
    { "dimgray", 0x696969 },
    { "dimgrey", 0x696969 },
    { "dodgerblue", 0x1e90ff },
    { "firebrick", 0xb22222 },
    { "floralwhite", 0xfffaf0 },
    { "forestgreen", 0x228b22 },
    { "fuchsia", 0xff00ff },
    { "gainsboro", 0xdcdcdc },
    { "ghostwhite", 0xf8f8ff },
    { "gold", 0xffd700 },
    { "goldenrod", 0xdaa520 },
    { "gray", 0x808080 },
    { "green", 0x008000 },
    { "greenyellow", 0xadff2f },
    { "grey", 0x808080 },
    { "honeydew", 0xf0fff0 },
    { "hotpink", 0xff69b4 },
    { "indianred", 0xcd5c5c },
    { "indigo", 0x4b0082 },
    { "ivory", 0xfffff0 },
    { "khaki", 0xf0e68c },
    { "lavender", 0xe6e6fa },
    { "lavenderblush", 0xfff0f5 },
    { "lawngreen", 0x7cfc00 },
    { "lemonchiffon", 0xfffacd },
    { "lightblue", 0xadd8e6 },
    { "lightcoral", 0xf08080 },
    { "lightcyan", 0xe0ffff },
    { "lightgoldenrodyellow", 0xfafad2 },
    { "lightgray", 0xd3d3d3 },
    { "lightgreen", 0x90ee90 },
    { "lightgrey", 0xd3d3d3 },
    { "lightpink", 0xffb6c1 },
    { "lightsalmon", 0xffa07a },
    { "lightseagreen", 0x20b2aa },
    { "lightskyblue", 0x87cefa },
    { "lightslategray", 0x778899 },
    { "lightslategrey", 0x778899 },
    { "lightsteelblue", 0xb0c4de },
    { "lightyellow", 0xffffe0 },
    { "lime", 0x00ff00 },
    { "limegreen", 0x32cd32 },
    { "linen", 0xfaf0e6 },
    { "magenta", 0xff00ff },
    { "maroon", 0x800000 },
    { "mediumaquamarine", 0x66cdaa },
    { "mediumblue", 0x0000cd },
    { "mediumorchid", 0xba55d3 },
    { "mediumpurple", 0x9370db },
    { "mediumseagreen", 0x3cb371 },
    { "mediumslateblue", 0x7b68ee },
    { "mediumspringgreen", 0x00fa9a },
    { "mediumturquoise", 0x48d1cc },
    { "mediumvioletred", 0xc71585 },
    { "midnightblue", 0x191970 },
    { "mintcream", 0xf5fffa },
    { "mistyrose", 0xffe4e1 },
    { "moccasin", 0xffe4b5 },
    { "navajowhite", 0xffdead },
    { "navy", 0x000080 },
    { "oldlace", 0xfdf5e6 },
    { "olive", 0x808000 },
    { "olivedrab", 0x6b8e23 },
    { "orange", 0xffa500 },
    { "orangered", 0xff4500 },
    { "orchid", 0xda70d6 },
    { "palegoldenrod", 0xeee8aa },
    { "palegreen", 0x98fb98 },
    { "paleturquoise", 0xafeeee },
    { "palevioletred", 0xdb7093 },
    { "papayawhip", 0xffefd5 },
    { "peachpuff", 0xffdab9 },
    { "peru", 0xcd853f },
    { "pink", 0xffc0cb },
    { "plum", 0xdda0dd },
    { "powderblue", 0xb0e0e6 },
    { "purple", 0x800080 },
    { "rebeccapurple", 0x663399 },
    { "red", 0xff0000 },
    { "rosybrown", 0xbc8f8f },
    { "royalblue", 0x4169e1 },
    { "saddlebrown", 0x8b4513 },
    { "salmon", 0xfa8072 },
    { "sandybrown", 0xf4a460 },
    { "seagreen", 0x2e8b57 },
    { "seashell", 0xfff5ee },
    { "sienna", 0xa0522d },
    { "silver", 0xc0c0c0 },
    { "skyblue", 0x87ceeb },
    { "slateblue", 0x6a5acd },
    { "slategray", 0x708090 },
    { "slategrey", 0x708090 },
    { "snow", 0xfffafa },
    { "springgreen", 0x00ff7f },
    { "steelblue", 0x4682b4 },
    { "tan", 0xd2b48c },
    { "teal", 0x008080 },
    { "thistle", 0xd8bfd8 },
    { "tomato", 0xff6347 },
    { "turquoise", 0x40e0d0 },
    { "violet", 0xee82ee },
    { "wheat", 0xf5deb3 },
    { "white", 0xffffff },
    { "whitesmoke", 0xf5f5f5 },
    { "yellow", 0xffff00 },
    { "yellowgreen", 0x9acd32 },
};

/* The light of a channel's 256 values, in 65535ths: sRGB is not linear [WCAG21, relative luminance]. */
static const uint16_t light[256] = {
    0,     20,    40,    60,    80,    99,    119,   139,   159,   179,   199,   219,   241,   264,   288,   313,
    340,   367,   396,   427,   458,   491,   526,   562,   599,   637,   677,   718,   761,   805,   851,   898,
    947,   997,   1048,  1101,  1156,  1212,  1270,  1330,  1391,  1453,  1517,  1583,  1651,  1720,  1790,  1863,
    1937,  2013,  2090,  2170,  2250,  2333,  2418,  2504,  2592,  2681,  2773,  2866,  2961,  3058,  3157,  3258,
    3360,  3464,  3570,  3678,  3788,  3900,  4014,  4129,  4247,  4366,  4488,  4611,  4736,  4864,  4993,  5124,
    5257,  5392,  5530,  5669,  5810,  5953,  6099,  6246,  6395,  6547,  6700,  6856,  7014,  7174,  7335,  7500,
    7666,  7834,  8004,  8177,  8352,  8528,  8708,  8889,  9072,  9258,  9445,  9635,  9828,  10022, 10219, 10417,
    10619, 10822, 11028, 11235, 11446, 11658, 11873, 12090, 12309, 12530, 12754, 12980, 13209, 13440, 13673, 13909,
    14146, 14387, 14629, 14874, 15122, 15371, 15623, 15878, 16135, 16394, 16656, 16920, 17187, 17456, 17727, 18001,
    18277, 18556, 18837, 19121, 19407, 19696, 19987, 20281, 20577, 20876, 21177, 21481, 21787, 22096, 22407, 22721,
    23038, 23357, 23678, 24002, 24329, 24658, 24990, 25325, 25662, 26001, 26344, 26688, 27036, 27386, 27739, 28094,
    28452, 28813, 29176, 29542, 29911, 30282, 30656, 31033, 31412, 31794, 32179, 32567, 32957, 33350, 33745, 34143,
    34544, 34948, 35355, 35764, 36176, 36591, 37008, 37429, 37852, 38278, 38706, 39138, 39572, 40009, 40449, 40891,
    41337, 41785, 42236, 42690, 43147, 43606, 44069, 44534, 45002, 45473, 45947, 46423, 46903, 47385, 47871, 48359,
    48850, 49344, 49841, 50341, 50844, 51349, 51858, 52369, 52884, 53401, 53921, 54445, 54971, 55500, 56032, 56567,
    57105, 57646, 58190, 58737, 59287, 59840, 60396, 60955, 61517, 62082, 62650, 63221, 63795, 64372, 64952, 65535,
};

/* Less than, equal to or more than 0, as `name` stands before, at or behind `other`, which is in lower case. */
static int order_of(struct span name, const char *other)
{
    for (size_t i = 0; i < name.len; i++) {
        int order = ascii_lower(name.ptr[i]) - other[i]; /* which ends in NUL: it is behind */

        if (order || !other[i])
            return order ? order : 1;
    }
    return other[name.len] ? -1 : 0;
}

bool html_color_named(struct span name, uint32_t *rgb)
{
    size_t low = 0, high = sizeof names / sizeof *names;

    if (!name.len || !ascii_is_alpha(name.ptr[0]))
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = order_of(name, names[middle].name);

        if (!order) {
            *rgb = names[middle].rgb;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

bool html_color_system(struct span name, uint32_t *rgb)
{
    static const struct {
        const char *name;
        uint32_t rgb;
    } system[] = {
        { "windowtext", 0x000000 },    { "canvastext", 0x000000 },     { "window", 0xffffff },
        { "canvas", 0xffffff },        { "background", 0xffffff },     { "buttontext", 0x000000 },
        { "buttonface", 0xf0f0f0 },    { "menutext", 0x000000 },       { "menu", 0xf0f0f0 },
        { "infotext", 0x000000 },      { "fieldtext", 0x000000 },      { "field", 0xffffff },
        { "captiontext", 0x000000 },   { "infobackground", 0xffffe1 }, { "graytext", 0x6d6d6d },
        { "linktext", 0x0000ee },      { "visitedtext", 0x551a8b },    { "activetext", 0xff0000 },
        { "mark", 0xffff00 },          { "marktext", 0x000000 },       { "highlight", 0x0078d7 },
        { "highlighttext", 0xffffff },
    };

    for (size_t i = 0; i < sizeof system / sizeof *system; i++)
        if (span_iis(name, system[i].name)) {
            *rgb = system[i].rgb;
            return true;
        }
    return false;
}

enum { ATTRIBUTE_MOST = 128, PART_MOST = 8 };

/* The two digits of a third that count: the first of its last eight, behind the zeros that all thirds begin with. */
static uint32_t third_of(const char *digits, size_t from, size_t length)
{
    uint32_t value = 0;

    for (size_t i = 0; i < length && i < 2; i++)
        value = value * 16 + (uint32_t)ascii_hex(digits[from + i]);
    return value;
}

bool html_color_attribute(struct span value, uint32_t *rgb)
{
    struct span s = span_trim(value);
    char digits[ATTRIBUTE_MOST + 2];
    size_t n = 0, skip = 0;

    if (!s.len || span_iis(s, "transparent"))
        return false;
    if (html_color_named(s, rgb))
        return true;
    bool is_short = s.len == 4 && s.ptr[0] == '#';

    s = span_skip(s, s.ptr[0] == '#');
    for (size_t i = 0; i < s.len && n < ATTRIBUTE_MOST; i++)
        digits[n++] = ascii_hex(s.ptr[i]) >= 0 ? s.ptr[i] : '0';
    while (!n || n % 3)
        digits[n++] = '0';
    size_t third = n / 3, length = third;

    if (length > PART_MOST) {
        skip = length - PART_MOST;
        length = PART_MOST;
    }
    while (length > 2 && digits[skip] == '0' && digits[third + skip] == '0' && digits[2 * third + skip] == '0') {
        skip++;
        length--;
    }
    *rgb = 0;
    for (size_t i = 0; i < 3; i++)
        *rgb = *rgb << 8 | third_of(digits, i * third + skip, length) * (is_short ? 17 : 1);
    return true;
}

static double luminance(uint32_t rgb)
{
    return (0.2126 * light[rgb >> 16 & 255] + 0.7152 * light[rgb >> 8 & 255] + 0.0722 * light[rgb & 255]) / 65535;
}

double html_contrast(uint32_t a, uint32_t b)
{
    double la = luminance(a) + 0.05, lb = luminance(b) + 0.05;

    return la > lb ? la / lb : lb / la;
}
