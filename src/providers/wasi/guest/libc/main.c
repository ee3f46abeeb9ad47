// A C program over its own library, for what programs do without a thought of WASI. Prints one line a step.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *name_of(int error) {
  switch (error) {
    case EPERM: return "EPERM";
    case ENOENT: return "ENOENT";
    case ENOTEMPTY: return "ENOTEMPTY";
    default: return strerror(error);
  }
}

static void said(const char *step, int ok) { printf("%s: %s\n", step, ok ? "ok" : name_of(errno)); }

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void list(const char *path) {
  char *names[16];
  int count = 0;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder)) && count < 16;)
    if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
  if (folder) closedir(folder);
  qsort(names, count, sizeof *names, compare);
  printf("list:");
  for (int at = 0; at < count; at++) printf(" %s", names[at]);
  printf("\n");
}

static void files(void) {
  char text[64] = {0};
  said("mkdir", mkdir("work", 0777) == 0);
  FILE *file = fopen("work/note", "w+");
  said("fopen", file != NULL);
  fprintf(file, "one\ntwo\n");
  fseek(file, 4, SEEK_SET);
  said("fgets", fgets(text, sizeof text, file) && strcmp(text, "two\n") == 0);
  fclose(file);
  file = fopen("work/note", "a");
  fputs("three\n", file);
  fclose(file);
  struct stat note, other;
  said("stat", stat("work/note", &note) == 0 && note.st_size == 14 && S_ISREG(note.st_mode));
  said("rename", rename("work/note", "work/moved") == 0);
  said("link", link("work/moved", "work/hard") == 0);
  said("symlink", symlink("moved", "work/soft") == 0);
  said("inode", stat("work/soft", &note) == 0 && stat("work/hard", &other) == 0 && note.st_ino == other.st_ino);
  list("work");
  said("truncate", truncate("work/moved", 3) == 0);
  int folder = open("work", O_RDONLY | O_DIRECTORY);
  int fd = openat(folder, "soft", O_RDONLY);
  said("openat", read(fd, text, sizeof text) == 3 && memcmp(text, "one", 3) == 0);
  close(fd);
  // Made through a folder that was opened without asking for more than to read it, as remove_dir_all does.
  said("unlinkat", unlinkat(folder, "soft", 0) == 0 && unlinkat(folder, "hard", 0) == 0);
  close(folder);
  said("rmdir full", rmdir("work") == 0);
  said("unlink", unlink("work/moved") == 0);
  said("rmdir", rmdir("work") == 0);
  said("escape", open("../outside", O_RDONLY) >= 0);
  said("absent", open("/nowhere/x", O_RDONLY) >= 0);
}

static void time_passes(void) {
  struct timespec before, after, nap = {.tv_nsec = 5000000};
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&nap, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long ns = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  said("nanosleep", ns >= 5000000);
  said("time", time(NULL) > 1700000000);
}

static void input(void) {
  struct pollfd ready = {.fd = 0, .events = POLLIN};
  said("poll", poll(&ready, 1, 1000) == 1);
  char line[64];
  while (fgets(line, sizeof line, stdin)) printf("read: %s", line);
}

int main(int count, char **words) {
  for (int at = 1; at < count; at++) printf("argument: %s\n", words[at]);
  printf("variable: %s\n", getenv("NAME"));
  unsigned char random[32] = {0};
  said("getentropy", getentropy(random, sizeof random) == 0);
  files();
  time_passes();
  input();
  // More than the standard streams take at once.
  static char many[100000];
  memset(many, 'x', sizeof many);
  said("fwrite", fwrite(many, 1, sizeof many, stderr) == sizeof many);
  return 7;
}
