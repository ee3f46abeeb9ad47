import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buttons, padAxes, padButtons } from "../../event.ts";
import { centred, init, systemCursors, windowFlags } from "./binding.ts";
import { exposedEvent, modifiersOf, movedEvent, sizeChangedEvent, type, windowEvents } from "./events.ts";
import { keyNames } from "./keys.ts";
import { displayMode, event, eventBytes, pixelFormat, surface, wmInfo } from "./layout.ts";
import { subsystem } from "./native.ts";

// What a C compiler says of SDL's headers (tests/fixtures/window/layout.c, and layout.txt that it printed) against what the
// binding takes for granted: one wrong byte would be a wrong key, or somebody else's memory.

const said = new Map(
  readFileSync(join(import.meta.dir, "../../../../tests/fixtures/window/layout.txt"), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [name, ...rest] = line.split(" ");
      return [name!, rest] as const;
    }),
);
const number = (name: string): number => {
  const [text] = said.get(name) ?? [];
  if (text === undefined) throw new Error(`layout.txt does not say ${name}`);
  return Number(text);
};

/** Fields of a C struct by our names; those that C nests have the inner name alone. */
const structs: readonly (readonly [c: string, ours: Readonly<Record<string, number>>])[] = [
  ["SDL_WindowEvent", event.window],
  ["SDL_KeyboardEvent", event.key],
  ["SDL_TextInputEvent", event.text],
  ["SDL_TextEditingEvent", event.editing],
  ["SDL_TextEditingExtEvent", event.editingExt],
  ["SDL_MouseMotionEvent", event.motion],
  ["SDL_MouseButtonEvent", event.button],
  ["SDL_MouseWheelEvent", event.wheel],
  ["SDL_TouchFingerEvent", event.finger],
  ["SDL_DropEvent", event.drop],
  ["SDL_ControllerAxisEvent", event.axis],
  ["SDL_ControllerButtonEvent", event.padButton],
  ["SDL_ControllerDeviceEvent", event.device],
  ["SDL_Surface", surface],
  ["SDL_PixelFormat", pixelFormat],
];
const nested = new Map(["scancode", "sym", "mod"].map((name) => [name, `keysym.${name}`]));

test("every field is where the headers have it", () => {
  for (const [c, ours] of structs)
    for (const [name, offset] of Object.entries(ours)) {
      if (name === "textBytes") expect([c, said.get(`${c}.text`)?.[1]]).toEqual([c, `text${offset}`]);
      else expect([c, name, number(`${c}.${nested.get(name) ?? name}`)]).toEqual([c, name, offset]);
    }
  expect(number("SDL_DisplayMode.refresh_rate")).toBe(displayMode.refresh_rate);
  for (const [field, ours] of [
    ["version", wmInfo.version],
    ["subsystem", wmInfo.subsystem],
    ["info.x11.display", wmInfo.first],
    ["info.x11.window", wmInfo.second],
    ["info.wl.display", wmInfo.first],
    ["info.wl.surface", wmInfo.second],
  ] as const)
    expect([field, number(`SDL_SysWMinfo.${field}`)]).toEqual([field, ours]);
});

test("what SDL writes fits into what we give it", () => {
  expect(number("sizeof(SDL_Event)")).toBeLessThanOrEqual(eventBytes);
  expect(number("sizeof(SDL_DisplayMode)")).toBe(displayMode.bytes);
  expect(number("sizeof(SDL_SysWMinfo)")).toBe(wmInfo.bytes);
});

test("events, buttons, axes and flags have the headers' numbers", () => {
  const named: Readonly<Record<string, number>> = {
    SDL_WINDOWEVENT: type.window,
    SDL_KEYDOWN: type.keyDown,
    SDL_KEYUP: type.keyUp,
    SDL_TEXTEDITING: type.textEditing,
    SDL_TEXTINPUT: type.textInput,
    SDL_TEXTEDITING_EXT: type.textEditingExt,
    SDL_MOUSEMOTION: type.mouseMotion,
    SDL_MOUSEBUTTONDOWN: type.mouseDown,
    SDL_MOUSEBUTTONUP: type.mouseUp,
    SDL_MOUSEWHEEL: type.mouseWheel,
    SDL_CONTROLLERAXISMOTION: type.padAxis,
    SDL_CONTROLLERBUTTONDOWN: type.padDown,
    SDL_CONTROLLERBUTTONUP: type.padUp,
    SDL_CONTROLLERDEVICEADDED: type.padAdded,
    SDL_CONTROLLERDEVICEREMOVED: type.padRemoved,
    SDL_FINGERDOWN: type.fingerDown,
    SDL_FINGERUP: type.fingerUp,
    SDL_FINGERMOTION: type.fingerMotion,
    SDL_DROPFILE: type.dropFile,
    SDL_DROPTEXT: type.dropText,
    SDL_WINDOWEVENT_EXPOSED: exposedEvent,
    SDL_WINDOWEVENT_MOVED: movedEvent,
    SDL_WINDOWEVENT_SIZE_CHANGED: sizeChangedEvent,
    SDL_INIT_VIDEO: init.video,
    SDL_INIT_GAMECONTROLLER: init.gamecontroller,
    SDL_WINDOWPOS_CENTERED: centred,
    SDL_WINDOW_FULLSCREEN: windowFlags.fullscreen,
    SDL_WINDOW_SHOWN: windowFlags.shown,
    SDL_WINDOW_RESIZABLE: windowFlags.resizable,
    SDL_WINDOW_INPUT_FOCUS: windowFlags.inputFocus,
    SDL_WINDOW_FULLSCREEN_DESKTOP: windowFlags.fullscreenDesktop,
    SDL_WINDOW_ALLOW_HIGHDPI: windowFlags.highDpi,
    SDL_SYSWM_WINDOWS: subsystem.windows,
    SDL_SYSWM_X11: subsystem.x11,
    SDL_SYSWM_COCOA: subsystem.cocoa,
    SDL_SYSWM_WAYLAND: subsystem.wayland,
  };
  for (const [name, ours] of Object.entries(named)) expect([name, number(name)]).toEqual([name, ours]);
  for (const [name, tag] of [
    ["SHOWN", "shown"],
    ["HIDDEN", "hidden"],
    ["MINIMIZED", "hidden"],
    ["RESTORED", "shown"],
    ["ENTER", "pointer-entered"],
    ["LEAVE", "pointer-left"],
    ["FOCUS_GAINED", "focused"],
    ["FOCUS_LOST", "unfocused"],
    ["CLOSE", "close-asked"],
  ] as const)
    expect([name, windowEvents[number(`SDL_WINDOWEVENT_${name}`)]?.tag]).toEqual([name, tag]);
});

/** Lists whose order is SDL's. */
const ordered: readonly (readonly [prefix: string, names: string, ours: readonly string[], from: number])[] =
  [
    ["SDL_BUTTON_", "LEFT MIDDLE RIGHT X1 X2", buttons, 1],
    [
      "SDL_CONTROLLER_BUTTON_",
      "A B X Y BACK GUIDE START LEFTSTICK RIGHTSTICK LEFTSHOULDER RIGHTSHOULDER DPAD_UP DPAD_DOWN DPAD_LEFT DPAD_RIGHT MISC1",
      padButtons,
      0,
    ],
    ["SDL_CONTROLLER_AXIS_", "LEFTX LEFTY RIGHTX RIGHTY TRIGGERLEFT TRIGGERRIGHT", padAxes, 0],
    [
      "SDL_SYSTEM_CURSOR_",
      "ARROW IBEAM WAIT CROSSHAIR WAITARROW SIZENWSE SIZENESW SIZEWE SIZENS SIZEALL NO HAND",
      Object.keys(systemCursors),
      0,
    ],
  ];

test("what is counted is counted as the headers count it", () => {
  for (const [prefix, names, ours, from] of ordered) {
    const theirs = names.split(" ").map((name) => number(`${prefix}${name}`));
    expect([prefix, theirs]).toEqual([prefix, ours.map((_, index) => index + from)]);
  }
  const cursors: readonly number[] = Object.values(systemCursors);
  expect(cursors).toEqual(cursors.map((_, index) => index));
});

test("each modifier is what the headers call so, on either side of the keyboard", () => {
  for (const [c, name] of Object.entries({
    SHIFT: "shift",
    CTRL: "control",
    ALT: "alt",
    GUI: "meta",
    NUM: "numLock",
    CAPS: "capsLock",
  } as const)) {
    const bits = number(`KMOD_${c}`);
    for (let bit = 1; bit <= bits; bit <<= 1)
      if (bits & bit) expect([c, modifiersOf(bit)[name]]).toEqual([c, true]);
    expect(Object.values(modifiersOf(bits)).filter(Boolean).length).toBe(1);
  }
});

test("a key's place has its name by the headers' scancode", () => {
  for (const [c, code] of Object.entries({
    A: "KeyA",
    Z: "KeyZ",
    1: "Digit1",
    0: "Digit0",
    RETURN: "Enter",
    ESCAPE: "Escape",
    SPACE: "Space",
    CAPSLOCK: "CapsLock",
    F1: "F1",
    F12: "F12",
    F24: "F24",
    INSERT: "Insert",
    DELETE: "Delete",
    RIGHT: "ArrowRight",
    LEFT: "ArrowLeft",
    DOWN: "ArrowDown",
    UP: "ArrowUp",
    KP_ENTER: "NumpadEnter",
    KP_0: "Numpad0",
    NONUSBACKSLASH: "IntlBackslash",
    LCTRL: "ControlLeft",
    LSHIFT: "ShiftLeft",
    LALT: "AltLeft",
    LGUI: "MetaLeft",
    RCTRL: "ControlRight",
    RSHIFT: "ShiftRight",
    RALT: "AltRight",
    RGUI: "MetaRight",
  }))
    expect([c, keyNames(number(`SDL_SCANCODE_${c}`), 0).code]).toEqual([c, code]);
});
