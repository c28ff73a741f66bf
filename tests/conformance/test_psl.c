/* tests/conformance/test_psl.c - the public suffix list's own tests, against domain_org_psl().
 *
 * Each line of psl/tests.txt is a name and its registrable domain, or "null". The count of right answers is printed
 * and must not fall below the floor in tests/conformance/floors.txt.
 */
#include <stdlib.h>

#include "gateway/mail/domain.h"
#include "tests/kit/expect.h"

static FILE *open_suite(void)
{
    const char *suites = getenv("POSTERN_SUITES"), *source = getenv("POSTERN_SOURCE");
    char path[4096];

    if (suites && *suites)
        snprintf(path, sizeof path, "%s/psl/tests.txt", suites);
    else
        snprintf(path, sizeof path, "%s/../shared/suites/psl/tests.txt", source ? source : ".");
    return fopen(path, "r");
}

static int floor_of(const char *suite)
{
    const char *source = getenv("POSTERN_SOURCE");
    char path[4096], name[64];
    int floor = -1, value;

    snprintf(path, sizeof path, "%s/tests/conformance/floors.txt", source ? source : ".");
    FILE *file = fopen(path, "r");

    while (file && fscanf(file, "%63s %d%*[^\n]", name, &value) == 2)
        if (strcmp(name, suite) == 0)
            floor = value;
    if (file)
        fclose(file);
    return floor;
}

static bool is_right(const char *name, const char *want)
{
    char normal[DOMAIN_MAX], wanted[DOMAIN_MAX] = "";
    const char *org = NULL;

    if (strcmp(want, "null") != 0 && domain_normal(span_of(want), wanted))
        return false;
    if (!domain_normal(span_of(name), normal) && strcmp(name, "null") != 0)
        org = domain_org_psl(normal);
    return strcmp(org ? org : "", wanted) == 0;
}

int main(void)
{
    char line[1024], name[512], want[512];
    int total = 0, right = 0, floor = floor_of("psl");
    FILE *suite = open_suite();

    if (!suite) {
        printf("skipped: the public suffix list's tests are not here (POSTERN_SUITES)\n");
        return 77;
    }
    while (fgets(line, sizeof line, suite)) {
        if (strncmp(line, "//", 2) == 0 || sscanf(line, "%511s %511s", name, want) != 2)
            continue;
        total++;
        if (is_right(name, want))
            right++;
        else
            printf("wrong: %s should give %s\n", name, want);
    }
    fclose(suite);
    printf("psl %d/%d (floor %d)\n", right, total, floor);
    return floor >= 0 && right >= floor ? 0 : 1;
}
