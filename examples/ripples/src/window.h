// What this program uses of loop:window and loop:gfx, as the canonical ABI has it: each import by its WIT name, numbers
// as they are, and whatever is larger than one number written where the last argument points.
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern

// result<own<window>, error>
struct opened {
  uint8_t is_err;
  union {
    int32_t window;
    struct {
      uint8_t tag;
      const char *text;
      size_t length;
    } error;
  };
};

IMPORT("loop:window/windows@0.1.0", "[static]window.open")
void window_open(const char *title, size_t length, uint32_t width, uint32_t height, struct opened *answer);

IMPORT("loop:window/windows@0.1.0", "[method]window.is-open")
bool window_is_open(int32_t window);

IMPORT("loop:window/windows@0.1.0", "[resource-drop]window")
void window_drop(int32_t window);

// The cases of the variant events.what, by their number in wit/loop-window.
enum what {
  key_down = 8,
  key_up = 9,
  text_entered = 10,
  text_composing = 11,
  pointer_moved = 12,
  pointer_down = 13,
  pointer_up = 14,
  file_dropped = 21,
  pad_connected = 22,
};

// option<event>; of the events' values those that are read here.
struct happened {
  uint8_t is_some;
  uint32_t window __attribute__((aligned(8)));
  double time;
  uint8_t what;
  union {
    struct {
      float x, y;
    } pointer;
    struct {
      const char *code;
      size_t code_length;
      const char *key;
      size_t key_length;
    } key;
    struct {
      const char *text;
    } text;
    struct {
      uint32_t number;
      const char *text;
    } named;
  } __attribute__((aligned(4)));
  char rest[32];
};

IMPORT("loop:window/polling@0.1.0", "next-event")
void next_event(int32_t has_seconds, double seconds, struct happened *answer);

IMPORT("loop:window/polling@0.1.0", "next-frame")
double next_frame(void);

// The texts of an event are the program's own.
static void event_free(struct happened *event) {
  if (event->what == key_down || event->what == key_up) {
    free((void *)event->key.code);
    free((void *)event->key.key);
  }
  if (event->what == text_entered || event->what == text_composing) free((void *)event->text.text);
  if (event->what == file_dropped || event->what == pad_connected) free((void *)event->named.text);
}

// Where the host puts the texts that it gives.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)align;
  void *place = realloc(old, size);
  if (!place) abort();
  return place;
}

// result<_, error>
struct presented {
  uint8_t is_err;
  uint32_t rest[4];
};

IMPORT("loop:gfx/frame-buffer@0.1.0", "present")
void present(int32_t window, uint32_t width, uint32_t height, const void *pixels, size_t bytes, struct presented *answer);

#endif
