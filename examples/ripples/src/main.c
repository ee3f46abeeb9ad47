#include <math.h>
#include <stdio.h>
#include <string.h>

#include "window.h"

// Rain on water: each cell of a grid is drawn to its neighbours, overshoots and is slowed. Light falls from the upper
// left, so that slopes are bright or dark. Pressing the pointer stirs the water.

enum { width = 320, height = 200, scale = 3, cells = width * height };

static float now[cells], before[cells];
static uint32_t pixels[cells];

// The same rain each time: a script of events gives the same pictures.
static uint32_t seed = 7;
static float chance(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(seed >> 8) / (float)(1 << 24);
}

static void drop(float x, float y, float radius, float depth) {
  for (int dy = -(int)radius; dy <= (int)radius; dy++)
    for (int dx = -(int)radius; dx <= (int)radius; dx++) {
      int column = (int)x + dx, row = (int)y + dy;
      float far = sqrtf((float)(dx * dx + dy * dy)) / radius;
      if (far < 1 && column > 0 && column < width - 1 && row > 0 && row < height - 1)
        now[row * width + column] -= depth * 0.5f * (1 + cosf(far * 3.14159f));
    }
}

static void step(void) {
  for (int row = 1; row < height - 1; row++)
    for (int column = 1; column < width - 1; column++) {
      int at = row * width + column;
      float around = (now[at - 1] + now[at + 1] + now[at - width] + now[at + width]) * 0.5f;
      before[at] = (around - before[at]) * 0.992f;
    }
  float next[width];
  for (int row = 0; row < height; row++) {
    memcpy(next, before + row * width, sizeof next);
    memcpy(before + row * width, now + row * width, sizeof next);
    memcpy(now + row * width, next, sizeof next);
  }
}

static uint32_t channel(float value) { return value < 0 ? 0 : value > 255 ? 255 : (uint32_t)value; }

static void shade(void) {
  for (int row = 0; row < height; row++)
    for (int column = 0; column < width; column++) {
      int at = row * width + column;
      bool inner = row > 0 && row < height - 1 && column > 0 && column < width - 1;
      float slope = inner ? now[at - 1] - now[at + 1] + now[at - width] - now[at + width] : 0;
      float shine = slope > 0 ? slope * slope * 3 : 0;
      float depth = (float)row / height;
      uint32_t red = channel(12 + 26 * depth + slope * 22 + shine);
      uint32_t green = channel(70 + 50 * depth + slope * 34 + shine);
      uint32_t blue = channel(120 + 40 * depth + slope * 40 + shine);
      pixels[at] = 0xff000000u | blue << 16 | green << 8 | red;
    }
}

int main(void) {
  static const char title[] = "ripples";
  struct opened opened;
  window_open(title, sizeof title - 1, width * scale, height * scale, &opened);
  if (opened.is_err) {
    fprintf(stderr, "No window: %.*s\n", (int)opened.error.length, opened.error.text);
    return 1;
  }
  bool pressed = false;
  float x = 0, y = 0;
  while (window_is_open(opened.window)) {
    next_frame();
    struct happened event;
    for (;;) {
      next_event(1, 0, &event);
      if (!event.is_some) break;
      if (event.what == pointer_moved || event.what == pointer_down) {
        x = event.pointer.x / scale;
        y = event.pointer.y / scale;
      }
      if (event.what == pointer_down) pressed = true;
      if (event.what == pointer_up) pressed = false;
      if (event.what == key_down) {
        bool escape = event.key.key_length == 6 && !memcmp(event.key.key, "Escape", 6);
        if (escape) window_drop(opened.window);
        if (escape) return 0;
      }
      event_free(&event);
    }
    if (chance() < 0.12f) drop(chance() * width, chance() * height, 4 + chance() * 4, 2 + chance() * 4);
    if (pressed) drop(x, y, 7, 3);
    step();
    shade();
    struct presented presented;
    present(opened.window, width, height, pixels, sizeof pixels, &presented);
  }
  return 0;
}
