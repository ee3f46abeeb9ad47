// A program that runs away in the way that its argument names.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned sink;
// What nobody reads a compiler leaves out.
static char *volatile kept;

static unsigned recurse(unsigned depth) {
  volatile char frame[512];
  frame[depth % 512] = (char)depth;
  return recurse(depth + 1) + frame[(depth + 1) % 512];
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "loop"))
    for (;;) sink++;
  if (!strcmp(what, "allocate"))
    for (;;) {
      kept = malloc(1 << 20);
      if (!kept) abort();
      memset(kept, 1, 1 << 20);
    }
  if (!strcmp(what, "recurse")) return (int)recurse(0);
  if (!strcmp(what, "write"))
    for (;;) puts("and on and on");
  if (!strcmp(what, "open")) {
    int opened = 0;
    while (fopen("/data/file", "r")) opened++;
    printf("opened %d\n", opened);
    return 0;
  }
  unsigned hash = 2166136261u;
  for (unsigned at = 0; at < 3000000; at++) hash = (hash ^ (at & 255)) * 16777619u;
  printf("%u\n", hash);
  return 0;
}
