/* content/url_shortener.c - hosts whose short URLs lead anywhere, as far as they are known. */
#include "gateway/base/bug.h"
#include "gateway/content/url_parts.h"

/* clang-format off */
/* In the order of strcmp(); at most LABELS_MAX labels. */
static const char *const shorteners[] = {
    "0rz.tw", "1url.com", "2.gp", "2.ly", "4sq.com", "7.ly", "a.co", "adf.ly", "adfoc.us", "aka.gr", "alturl.com",
    "amzn.eu", "amzn.to", "apple.co", "b.link", "bc.vc", "bfy.tw", "binged.it", "bit.do", "bit.ly", "bitly.com",
    "bitly.is", "bitly.ws", "bl.ink", "budurl.com", "buff.ly", "bulkurl.com", "chilp.it", "ckk.ai", "clck.ru",
    "cli.gs", "cli.re", "clicky.me", "cort.as", "cutt.ly", "cutt.us", "db.tt", "dlvr.it", "dub.sh", "dwz.cn", "ed.gr",
    "exe.io", "f.ls", "fb.me", "ff.im", "flip.it", "fur.ly", "g.co", "gg.gg", "goo.gl", "goo.su", "gplinks.in",
    "grabify.link", "han.gl", "hoo.gl", "href.li", "hyperurl.co", "ift.tt", "is.gd", "j.mp", "kutt.it", "l.ead.me",
    "l8.nu", "lin.ee", "lnk.bio", "lnk.to", "lnkd.in", "lstu.fr", "me2.do", "migre.me", "mtw.so", "mz.cm", "n9.cl",
    "nie.mn", "nov.io", "nyti.ms", "on.fb.me", "ouo.io", "ow.ly", "page.link", "plu.sh", "ppt.cc", "qlink.me",
    "qps.ru", "qr.ae", "qr.net", "qrco.de", "qrs.ly", "rb.gy", "rebrand.ly", "rebrandly.com", "reurl.cc", "rlu.ru",
    "rotf.lol", "s.free.fr", "s.id", "s.yam.com", "s2r.co", "safe.mn", "sc.link", "shor.by", "shorte.st",
    "shorturl.asia", "shorturl.at", "shorturl.com", "shrinke.me", "shrtco.de", "shrunken.com", "snip.ly",
    "snipurl.com", "soo.gd", "spoo.me", "sur.ly", "surl.li", "t.cn", "t.co", "t.ly", "t.me", "t1p.de", "t2m.io",
    "tcrn.ch", "tinu.be", "tiny.cc", "tiny.one", "tiny.pl", "tinyurl.com", "tldrify.com", "tny.im", "tr.im",
    "trib.al", "u.nu", "u.to", "ujeb.se", "urlr.me", "urlz.fr", "urlzs.com", "utm.to", "v.gd", "v.ht", "vk.cc",
    "vu.fr", "wp.me", "x.co", "x.gd", "xn--vi8hl0c.ws", "y2u.be", "you.to", "youtu.be", "zpr.io", "zws.im",
};
/* clang-format on */

enum { LABELS_MAX = 3 };

/* `www.` and the like before one of them makes no difference. */
bool url_is_shortener(const char *host)
{
    for (unsigned labels = domain_labels(host); labels > LABELS_MAX; labels--)
        host = domain_parent(host);
    for (; host; host = domain_parent(host)) {
        size_t low = 0, high = COUNT(shorteners);

        while (low < high) {
            size_t middle = (low + high) / 2;
            int order = strcmp(host, shorteners[middle]);

            if (order == 0)
                return true;
            if (order < 0)
                high = middle;
            else
                low = middle + 1;
        }
    }
    return false;
}
