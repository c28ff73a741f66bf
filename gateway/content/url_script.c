/* content/url_script.c - which scripts a host name is written in, and whether it looks like another one [UTS39].
 *
 * The tables are small: the scripts that names are registered in, and the letters that people take for ASCII ones in
 * the type faces of mail readers. Accented letters are not among them: "müller" is nobody's twin.
 */
#include "gateway/content/url_script.h"

#include "gateway/base/bug.h"
#include "gateway/base/utf8.h"
#include "gateway/content/url.h"

struct script_range {
    uint32_t first, last;
    enum script script;
};

/* clang-format off */
static const struct script_range ranges[] = {
    { 0x0041, 0x005a, SCRIPT_LATIN       }, { 0x0061, 0x007a, SCRIPT_LATIN       },
    { 0x00aa, 0x00aa, SCRIPT_LATIN       }, { 0x00ba, 0x00ba, SCRIPT_LATIN       },
    { 0x00c0, 0x00d6, SCRIPT_LATIN       }, { 0x00d8, 0x00f6, SCRIPT_LATIN       },
    { 0x00f8, 0x02b8, SCRIPT_LATIN       }, { 0x02e0, 0x02e4, SCRIPT_LATIN       },
    { 0x02ea, 0x02eb, SCRIPT_BOPOMOFO    }, { 0x0370, 0x0373, SCRIPT_GREEK       },
    { 0x0375, 0x037d, SCRIPT_GREEK       }, { 0x037f, 0x037f, SCRIPT_GREEK       },
    { 0x0384, 0x0384, SCRIPT_GREEK       }, { 0x0386, 0x0386, SCRIPT_GREEK       },
    { 0x0388, 0x03e1, SCRIPT_GREEK       }, { 0x03e2, 0x03ef, SCRIPT_OTHER       },
    { 0x03f0, 0x03ff, SCRIPT_GREEK       }, { 0x0400, 0x0484, SCRIPT_CYRILLIC    },
    { 0x0487, 0x052f, SCRIPT_CYRILLIC    }, { 0x0531, 0x058f, SCRIPT_ARMENIAN    },
    { 0x0591, 0x05f4, SCRIPT_HEBREW      }, { 0x0600, 0x0604, SCRIPT_ARABIC      },
    { 0x0606, 0x060b, SCRIPT_ARABIC      }, { 0x060d, 0x061a, SCRIPT_ARABIC      },
    { 0x061c, 0x061e, SCRIPT_ARABIC      }, { 0x0620, 0x063f, SCRIPT_ARABIC      },
    { 0x0641, 0x064a, SCRIPT_ARABIC      }, { 0x0656, 0x066f, SCRIPT_ARABIC      },
    { 0x0671, 0x06dc, SCRIPT_ARABIC      }, { 0x06de, 0x06ff, SCRIPT_ARABIC      },
    { 0x0700, 0x074f, SCRIPT_OTHER       }, { 0x0750, 0x077f, SCRIPT_ARABIC      },
    { 0x0780, 0x086f, SCRIPT_OTHER       }, { 0x0870, 0x08e1, SCRIPT_ARABIC      },
    { 0x08e3, 0x08ff, SCRIPT_ARABIC      }, { 0x0900, 0x0950, SCRIPT_DEVANAGARI  },
    { 0x0955, 0x0963, SCRIPT_DEVANAGARI  }, { 0x0966, 0x097f, SCRIPT_DEVANAGARI  },
    { 0x0980, 0x0dff, SCRIPT_OTHER       }, { 0x0e01, 0x0e3a, SCRIPT_THAI        },
    { 0x0e40, 0x0e5b, SCRIPT_THAI        }, { 0x0e80, 0x109f, SCRIPT_OTHER       },
    { 0x10a0, 0x10fa, SCRIPT_GEORGIAN    }, { 0x10fc, 0x10ff, SCRIPT_GEORGIAN    },
    { 0x1100, 0x11ff, SCRIPT_HANGUL      }, { 0x1200, 0x139f, SCRIPT_OTHER       },
    { 0x13a0, 0x13fd, SCRIPT_CHEROKEE    }, { 0x1400, 0x1aaf, SCRIPT_OTHER       },
    { 0x1b00, 0x1c7f, SCRIPT_OTHER       }, { 0x1c80, 0x1c88, SCRIPT_CYRILLIC    },
    { 0x1c90, 0x1cbf, SCRIPT_GEORGIAN    }, { 0x1d00, 0x1d25, SCRIPT_LATIN       },
    { 0x1d26, 0x1d2a, SCRIPT_GREEK       }, { 0x1d2b, 0x1d2b, SCRIPT_CYRILLIC    },
    { 0x1d2c, 0x1d5c, SCRIPT_LATIN       }, { 0x1d5d, 0x1d61, SCRIPT_GREEK       },
    { 0x1d62, 0x1d65, SCRIPT_LATIN       }, { 0x1d66, 0x1d6a, SCRIPT_GREEK       },
    { 0x1d6b, 0x1d77, SCRIPT_LATIN       }, { 0x1d78, 0x1d78, SCRIPT_CYRILLIC    },
    { 0x1d79, 0x1dbe, SCRIPT_LATIN       }, { 0x1e00, 0x1eff, SCRIPT_LATIN       },
    { 0x1f00, 0x1ffe, SCRIPT_GREEK       }, { 0x2071, 0x2071, SCRIPT_LATIN       },
    { 0x207f, 0x207f, SCRIPT_LATIN       }, { 0x2090, 0x209c, SCRIPT_LATIN       },
    { 0x212a, 0x212b, SCRIPT_LATIN       }, { 0x2132, 0x2132, SCRIPT_LATIN       },
    { 0x214e, 0x214e, SCRIPT_LATIN       }, { 0x2160, 0x2188, SCRIPT_LATIN       },
    { 0x2c00, 0x2c5f, SCRIPT_OTHER       }, { 0x2c60, 0x2c7f, SCRIPT_LATIN       },
    { 0x2c80, 0x2cff, SCRIPT_OTHER       }, { 0x2d00, 0x2d2d, SCRIPT_GEORGIAN    },
    { 0x2d30, 0x2ddf, SCRIPT_OTHER       }, { 0x2de0, 0x2dff, SCRIPT_CYRILLIC    },
    { 0x2e80, 0x2fd5, SCRIPT_HAN         }, { 0x3005, 0x3007, SCRIPT_HAN         },
    { 0x3021, 0x3029, SCRIPT_HAN         }, { 0x302e, 0x302f, SCRIPT_HANGUL      },
    { 0x3038, 0x303b, SCRIPT_HAN         }, { 0x3041, 0x3096, SCRIPT_HIRAGANA    },
    { 0x309d, 0x309f, SCRIPT_HIRAGANA    }, { 0x30a1, 0x30fa, SCRIPT_KATAKANA    },
    { 0x30fd, 0x30ff, SCRIPT_KATAKANA    }, { 0x3105, 0x312f, SCRIPT_BOPOMOFO    },
    { 0x3131, 0x318e, SCRIPT_HANGUL      }, { 0x31a0, 0x31bf, SCRIPT_BOPOMOFO    },
    { 0x31f0, 0x31ff, SCRIPT_KATAKANA    }, { 0x3400, 0x4dbf, SCRIPT_HAN         },
    { 0x4e00, 0x9fff, SCRIPT_HAN         }, { 0xa000, 0xa63f, SCRIPT_OTHER       },
    { 0xa640, 0xa69f, SCRIPT_CYRILLIC    }, { 0xa6a0, 0xa6ff, SCRIPT_OTHER       },
    { 0xa722, 0xa787, SCRIPT_LATIN       }, { 0xa78b, 0xa7ff, SCRIPT_LATIN       },
    { 0xa800, 0xa8df, SCRIPT_OTHER       }, { 0xa8e0, 0xa8ff, SCRIPT_DEVANAGARI  },
    { 0xa900, 0xa95f, SCRIPT_OTHER       }, { 0xa960, 0xa97c, SCRIPT_HANGUL      },
    { 0xa980, 0xab2f, SCRIPT_OTHER       }, { 0xab30, 0xab5a, SCRIPT_LATIN       },
    { 0xab5c, 0xab64, SCRIPT_LATIN       }, { 0xab65, 0xab65, SCRIPT_GREEK       },
    { 0xab66, 0xab69, SCRIPT_LATIN       }, { 0xab70, 0xabbf, SCRIPT_CHEROKEE    },
    { 0xabc0, 0xabff, SCRIPT_OTHER       }, { 0xac00, 0xd7fb, SCRIPT_HANGUL      },
    { 0xf900, 0xfaff, SCRIPT_HAN         }, { 0xfb00, 0xfb06, SCRIPT_LATIN       },
    { 0xfb13, 0xfb17, SCRIPT_ARMENIAN    }, { 0xfb1d, 0xfb4f, SCRIPT_HEBREW      },
    { 0xfb50, 0xfdff, SCRIPT_ARABIC      }, { 0xfe70, 0xfefc, SCRIPT_ARABIC      },
    { 0xff21, 0xff3a, SCRIPT_LATIN       }, { 0xff41, 0xff5a, SCRIPT_LATIN       },
    { 0xff66, 0xff6f, SCRIPT_KATAKANA    }, { 0xff71, 0xff9d, SCRIPT_KATAKANA    },
    { 0xffa0, 0xffdc, SCRIPT_HANGUL      }, { 0x10000, 0x1afef, SCRIPT_OTHER       },
    { 0x1aff0, 0x1b000, SCRIPT_KATAKANA    }, { 0x1b001, 0x1b11f, SCRIPT_HIRAGANA    },
    { 0x1b120, 0x1b167, SCRIPT_KATAKANA    }, { 0x1b170, 0x1cfff, SCRIPT_OTHER       },
    { 0x1e030, 0x1e08f, SCRIPT_CYRILLIC    }, { 0x1e100, 0x1e8df, SCRIPT_OTHER       },
    { 0x1e900, 0x1e95f, SCRIPT_OTHER       }, { 0x1ee00, 0x1eeff, SCRIPT_ARABIC      },
    { 0x20000, 0x323af, SCRIPT_HAN         },
};

struct twin {
    uint32_t code;
    char ascii;
};

static const struct twin twins[] = {
    /* Latin */
    { 0x0131, 'i' }, { 0x0138, 'k' }, { 0x017f, 'f' }, { 0x0185, 'b' }, { 0x01c0, 'l' }, { 0x0251, 'a' },
    { 0x0261, 'g' }, { 0x0263, 'y' }, { 0x0269, 'i' }, { 0x026a, 'i' }, { 0x026f, 'w' }, { 0x028b, 'u' },
    { 0x028f, 'y' },
    /* Greek */
    { 0x03b1, 'a' }, { 0x03b3, 'y' }, { 0x03b9, 'i' }, { 0x03ba, 'k' }, { 0x03bd, 'v' }, { 0x03bf, 'o' },
    { 0x03c1, 'p' }, { 0x03c3, 'o' }, { 0x03c4, 't' }, { 0x03c5, 'u' }, { 0x03c7, 'x' }, { 0x03f2, 'c' },
    { 0x03f3, 'j' }, { 0x03f8, 'p' },
    /* Cyrillic */
    { 0x0430, 'a' }, { 0x0433, 'r' }, { 0x0435, 'e' }, { 0x0437, '3' }, { 0x043a, 'k' }, { 0x043e, 'o' },
    { 0x043f, 'n' }, { 0x0440, 'p' }, { 0x0441, 'c' }, { 0x0443, 'y' }, { 0x0445, 'x' }, { 0x044c, 'b' },
    { 0x0455, 's' }, { 0x0456, 'i' }, { 0x0458, 'j' }, { 0x0461, 'w' }, { 0x0475, 'v' }, { 0x04ab, 'c' },
    { 0x04af, 'y' }, { 0x04bb, 'h' }, { 0x04bd, 'e' }, { 0x04cf, 'l' }, { 0x0501, 'd' }, { 0x050d, 'g' },
    { 0x051b, 'q' }, { 0x051d, 'w' },
    /* Armenian */
    { 0x0561, 'w' }, { 0x0563, 'q' }, { 0x0566, 'q' }, { 0x0570, 'h' }, { 0x0575, 'j' }, { 0x0578, 'n' },
    { 0x057c, 'n' }, { 0x057d, 'u' }, { 0x0581, 'g' }, { 0x0582, 'i' }, { 0x0584, 'f' }, { 0x0585, 'o' },
    /* Hebrew, Arabic, digits of other scripts */
    { 0x05d5, 'l' }, { 0x05d8, 'v' }, { 0x05df, 'l' }, { 0x05e1, 'o' }, { 0x0627, 'l' }, { 0x0647, 'o' },
    { 0x0661, 'l' }, { 0x0665, 'o' }, { 0x06f1, 'l' }, { 0x06f5, 'o' }, { 0x0966, 'o' }, { 0x0e50, 'o' },
    { 0x0ed0, 'o' }, { 0x101d, 'o' }, { 0x1040, 'o' },
    /* Georgian, Cherokee */
    { 0x10ff, 'o' }, { 0x13a0, 'd' }, { 0x13a1, 'r' }, { 0x13a2, 't' }, { 0x13a5, 'i' }, { 0x13a9, 'y' },
    { 0x13aa, 'a' }, { 0x13ab, 'j' }, { 0x13ac, 'e' }, { 0x13b3, 'w' }, { 0x13b7, 'm' }, { 0x13bb, 'h' },
    { 0x13c0, 'g' }, { 0x13c2, 'h' }, { 0x13c3, 'z' }, { 0x13ce, '4' }, { 0x13cf, 'b' }, { 0x13d2, 'r' },
    { 0x13d4, 'w' }, { 0x13d5, 's' }, { 0x13d9, 'v' }, { 0x13da, 's' }, { 0x13de, 'l' }, { 0x13df, 'c' },
    { 0x13e2, 'p' }, { 0x13e6, 'k' }, { 0x13e7, 'd' }, { 0x13f3, 'g' }, { 0x13f4, 'b' },
    /* small capitals, and letters that phonetics and others borrowed */
    { 0x1d04, 'c' }, { 0x1d0f, 'o' }, { 0x1d1c, 'u' }, { 0x1d20, 'v' }, { 0x1d21, 'w' }, { 0x1d22, 'z' },
    { 0x1d83, 'g' }, { 0x1d8c, 'y' }, { 0x1e9d, 'f' }, { 0x1eff, 'y' }, { 0x2c9f, 'o' }, { 0xa731, 's' },
    { 0xa793, 'c' }, { 0xab35, 'f' }, { 0xab3d, 'o' }, { 0xab47, 'r' }, { 0xab48, 'r' }, { 0xab4e, 'u' },
    { 0xab52, 'u' }, { 0xab5a, 'y' }, { 0xab75, 'i' }, { 0xab81, 'r' }, { 0xab83, 'w' }, { 0xab93, 'z' },
    { 0xaba9, 'v' }, { 0xabaa, 's' }, { 0xabaf, 'c' },
};

/* Where names in Cyrillic are at home, so that one that happens to look like ASCII is no disguise. */
static const char *const cyrillic_homes[] = { "ru", "su", "ua", "by", "kz", "kg", "uz", "tj", "mn", "bg", "mk", "rs",
                                              "me", "ba", "md" };
/* clang-format on */

enum script script_of(uint32_t code)
{
    size_t low = 0, high = COUNT(ranges);

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (code > ranges[middle].last)
            low = middle + 1;
        else if (code < ranges[middle].first)
            high = middle;
        else
            return ranges[middle].script;
    }
    return SCRIPT_COMMON;
}

char script_twin(uint32_t code)
{
    size_t low = 0, high = COUNT(twins);

    if (code < 0x80)
        return (char)code;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (code > twins[middle].code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT(twins) && twins[low].code == code ? twins[low].ascii : '\0';
}

/* What a label is written in. */
struct label_look {
    unsigned scripts; /* 1 << enum script */
    bool is_ascii, looks_ascii;
    bool is_odd; /* it has letters that no language of its script needs: not only Turkish dotless i */
};

static struct label_look look_at(struct span label)
{
    struct label_look look = { .is_ascii = true, .looks_ascii = true };

    while (label.len) {
        size_t length = utf8_length(label);
        uint32_t code = length ? utf8_code_point(label, length) : 0xfffd;

        look.is_ascii &= code < 0x80;
        look.looks_ascii &= script_twin(code) != '\0';
        look.is_odd |= code >= 0x80 && code != 0x0131;
        look.scripts |= 1U << script_of(code);
        label = span_skip(label, length ? length : 1);
    }
    look.scripts &= ~(1U << SCRIPT_COMMON);
    return look;
}

#define BIT(script) (1U << SCRIPT_##script)

/* Scripts that one language is written in. */
static bool go_together(unsigned scripts)
{
    static const unsigned together[] = {
        BIT(LATIN) | BIT(HAN) | BIT(HIRAGANA) | BIT(KATAKANA),
        BIT(LATIN) | BIT(HAN) | BIT(HANGUL),
        BIT(LATIN) | BIT(HAN) | BIT(BOPOMOFO),
    };

    if ((scripts & (scripts - 1)) == 0)
        return true;
    for (size_t i = 0; i < COUNT(together); i++)
        if ((scripts & ~together[i]) == 0)
            return true;
    return false;
}

static bool is_at_home(unsigned scripts, struct span tld)
{
    if (ascii_is_all(tld)) {
        for (size_t i = 0; i < COUNT(cyrillic_homes) && scripts == BIT(CYRILLIC); i++)
            if (span_is(tld, cyrillic_homes[i]))
                return true;
        return (scripts == BIT(GREEK) && (span_is(tld, "gr") || span_is(tld, "cy"))) ||
               (scripts == BIT(ARMENIAN) && span_is(tld, "am"));
    }
    return scripts != BIT(LATIN) && look_at(tld).scripts == scripts;
}

unsigned script_flags(struct span host)
{
    size_t dot = span_rfind(host, '.');
    struct span tld = dot == SPAN_NPOS ? SPAN("") : span_skip(host, dot + 1), label;
    unsigned flags = 0;

    while (span_cut(&host, '.', &label)) {
        struct label_look look = look_at(label);

        if (look.is_ascii)
            continue;
        if (!go_together(look.scripts))
            flags |= URL_MIXED_SCRIPT;
        if (look.looks_ascii && look.is_odd && look.scripts && !is_at_home(look.scripts, tld))
            flags |= URL_HOMOGRAPH;
    }
    return flags;
}
