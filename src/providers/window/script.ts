import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errno, fault } from "../../base/fault.ts";
import { cannotWrite } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import { nearest } from "../../base/suggest.ts";
import { buttons, type Modifiers, padAxes, padButtons, type Tag, type What } from "../event.ts";

// Events in a file: lines of JSON, each with the frame before which it happens and one event by its name in
// `loop:window/events`. What a line leaves out has a value that a person would expect. "#" begins a comment.
//
//     {"frame": 5, "pointer-moved": {"x": 20, "y": 30}}
//     {"frame": 6, "key-down": {"code": "KeyA"}}

export interface ScriptEvent {
  readonly frame: number;
  /** Counted from 1 in the order of opening; undefined is the first that is open. */
  readonly window: number | undefined;
  /** `resized` asks the window to have this size; a dropped file is its absolute path. */
  readonly what: What | { readonly tag: "drop-path"; readonly val: string };
}

export interface InputScript {
  /** In the order of their frames. */
  readonly events: readonly ScriptEvent[];
  readonly lastFrame: number;
}

/** Faults: LK0007, LK0204, LK0733 with the line. */
export const readScript = (path: string): InputScript => {
  const text = readText(path);
  const reader = new Reader(dirname(path));
  const events: ScriptEvent[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    try {
      events.push(reader.line(trimmed));
    } catch (error) {
      if (!(error instanceof Complaint)) throw error;
      throw fault("LK0733", `${path}:${index + 1}: ${error.message}`, {
        hint: '{"frame": 5, "pointer-down": {"x": 20, "y": 30}}',
      });
    }
  }
  const sorted = events.every(({ frame }, at) => at === 0 || events[at - 1]!.frame <= frame);
  if (!sorted)
    throw fault(
      "LK0733",
      `${path}: Its frames go backwards; each line's is that of the line before, or later`,
    );
  return { events, lastFrame: events.at(-1)?.frame ?? 0 };
};

const readText = (path: string): string => {
  try {
    const { size } = statSync(path);
    if (size > limits.inputScriptBytesMax)
      throw fault("LK0204", `${path} is ${size} bytes; the limit is ${limits.inputScriptBytesMax}`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!errno(error)) throw error;
    throw fault("LK0007", `Cannot read the events of ${path}: ${(error as Error).message}`, { cause: error });
  }
};

class Complaint extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** Reads lines in order; places that a line leaves out are those of the line before. */
class Reader {
  readonly #folder: string;
  #x = 0;
  #y = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  line(text: string): ScriptEvent {
    const { frame, window, ...rest } = objectOf(parsed(text), "A line");
    const [name, ...more] = Object.keys(rest);
    if (name === undefined || more.length > 0)
      throw new Complaint(
        `A line has a frame and one event; this one has ${name === undefined ? "none" : `${name} and ${more.join(" and ")}`}`,
      );
    if (!Object.hasOwn(this.#events, name)) {
      const near = nearest(name, Object.keys(this.#events));
      throw new Complaint(`No event is called "${name}"${near ? `; there is "${near}"` : ""}`);
    }
    return {
      frame: whole(frame, "frame", 1, limits.framesMax),
      window: window === undefined ? undefined : whole(window, "window", 1, 2 ** 31),
      what: this.#events[name]!(rest[name], name as Tag),
    };
  }

  readonly #events: Readonly<Record<string, (value: unknown, tag: Tag) => ScriptEvent["what"]>> = {
    resized: (value) => {
      const given = objectOf(value, "resized", ["width", "height", "pixelWidth", "pixelHeight"]);
      const side = (name: string) => whole(given[name], name, 1, limits.windowPointsMax);
      const [width, height] = [side("width"), side("height")];
      return { tag: "resized", val: { width, height, pixelWidth: width, pixelHeight: height } };
    },
    focused: plain,
    unfocused: plain,
    shown: plain,
    hidden: plain,
    "close-asked": plain,
    "pointer-entered": plain,
    "pointer-left": plain,
    "key-down": (value) => ({ tag: "key-down", val: keyOf(value) }),
    "key-up": (value) => ({ tag: "key-up", val: keyOf(value) }),
    "text-entered": (val) => ({ tag: "text-entered", val: textOf(val, "text-entered") }),
    "text-composing": (value) => {
      const given = objectOf(value, "text-composing", ["text", "start", "length"]);
      const text = textOf(given.text, "text");
      const start = whole(given.start ?? text.length, "start", 0, 2 ** 31);
      return {
        tag: "text-composing",
        val: { text, start, length: whole(given.length ?? 0, "length", 0, 2 ** 31) },
      };
    },
    "pointer-moved": (value) => {
      const given = objectOf(value, "pointer-moved", ["x", "y", "dx", "dy"]);
      const { x: beforeX, y: beforeY } = this.#place;
      const { x, y } = this.#at(given);
      const dx = number(given.dx ?? x - beforeX, "dx");
      return { tag: "pointer-moved", val: { x, y, dx, dy: number(given.dy ?? y - beforeY, "dy") } };
    },
    "pointer-down": (value) => ({ tag: "pointer-down", val: this.#pressed(value) }),
    "pointer-up": (value) => ({ tag: "pointer-up", val: this.#pressed(value) }),
    "wheel-turned": (value) => {
      const given = objectOf(value, "wheel-turned", ["x", "y"]);
      return { tag: "wheel-turned", val: { x: number(given.x ?? 0, "x"), y: number(given.y ?? 0, "y") } };
    },
    "touch-down": (value) => ({ tag: "touch-down", val: this.#touch(value) }),
    "touch-moved": (value) => ({ tag: "touch-moved", val: this.#touch(value) }),
    "touch-up": (value) => ({ tag: "touch-up", val: this.#touch(value) }),
    "file-dropped": (value) => ({
      tag: "drop-path",
      val: resolve(this.#folder, textOf(value, "file-dropped")),
    }),
    "pad-connected": (value) => {
      const given = objectOf(value, "pad-connected", ["pad", "name"]);
      return {
        tag: "pad-connected",
        val: { pad: padOf(given), name: textOf(given.name ?? "Gamepad", "name") },
      };
    },
    "pad-disconnected": (value) => ({
      tag: "pad-disconnected",
      val: whole(value, "pad-disconnected", 1, 2 ** 31),
    }),
    "pad-down": (value) => ({ tag: "pad-down", val: padPressed(value) }),
    "pad-up": (value) => ({ tag: "pad-up", val: padPressed(value) }),
    "pad-axis-moved": (value) => {
      const given = objectOf(value, "pad-axis-moved", ["pad", "axis", "value"]);
      const axis = oneOf(given.axis, padAxes, "axis");
      return {
        tag: "pad-axis-moved",
        val: { pad: padOf(given), axis, value: number(given.value, "value", -1, 1) },
      };
    },
  };

  get #place(): { x: number; y: number } {
    return { x: this.#x, y: this.#y };
  }

  #at({ x = this.#x, y = this.#y }: Fields): { x: number; y: number } {
    this.#x = number(x, "x");
    this.#y = number(y, "y");
    return this.#place;
  }

  #pressed(value: unknown) {
    const given = objectOf(value, "A button", ["x", "y", "button", "clicks"]);
    const button = oneOf(given.button ?? "left", buttons, "button");
    return { ...this.#at(given), button, clicks: whole(given.clicks ?? 1, "clicks", 1, 255) };
  }

  #touch(value: unknown) {
    const given = objectOf(value, "A touch", ["finger", "x", "y", "pressure"]);
    const finger = whole(given.finger ?? 0, "finger", 0, 2 ** 31);
    return { finger, ...this.#at(given), pressure: number(given.pressure ?? 1, "pressure", 0, 1) };
  }
}

const plain = (value: unknown, tag: Tag): What => {
  if (value !== null && value !== true)
    throw new Complaint(`${tag} has no value of its own; write ${tag}: true`);
  return { tag } as What;
};

const modifierNames = ["shift", "control", "alt", "meta", "capsLock", "numLock"] as const;

const keyOf = (value: unknown) => {
  const given = objectOf(value, "A key", ["code", "key", "modifiers", "repeat"]);
  const code = textOf(given.code, "code");
  const key = textOf(given.key ?? /^(?:Key|Digit)(.)$/.exec(code)?.[1]?.toLowerCase() ?? code, "key");
  if (given.repeat !== undefined && typeof given.repeat !== "boolean")
    throw new Complaint("repeat is true or false");
  return {
    code,
    key: key === "Space" ? " " : key,
    modifiers: modifiersOf(given.modifiers ?? []),
    repeat: given.repeat ?? false,
  };
};

/** A list of names, or what a recording has: an object of booleans. */
const modifiersOf = (value: unknown): Modifiers => {
  const held = Array.isArray(value)
    ? value
    : Object.entries(objectOf(value, "modifiers", modifierNames)).flatMap(([name, on]) =>
        on === true ? [name] : [],
      );
  for (const name of held) oneOf(name, modifierNames, "modifiers");
  return Object.fromEntries(modifierNames.map((name) => [name, held.includes(name)])) as unknown as Modifiers;
};

const padOf = ({ pad = 1 }: Fields): number => whole(pad, "pad", 1, 2 ** 31);

const padPressed = (value: unknown) => {
  const given = objectOf(value, "A pad's button", ["pad", "button"]);
  return { pad: padOf(given), button: oneOf(given.button, padButtons, "button") };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Complaint(`It is no JSON: ${(error as Error).message}`);
  }
};

const objectOf = (value: unknown, name: string, keys?: readonly string[]): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Complaint(`${name} is an object in braces`);
  const unknown = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (unknown) throw new Complaint(`${name} has ${keys.join(", ")}, and "${unknown}" was written`);
  return value as Fields;
};

const number = (value: unknown, name: string, min = -1e6, max = 1e6): number => {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new Complaint(
    `${name} is a number from ${min} to ${max}, and ${JSON.stringify(value) ?? "nothing"} was written`,
  );
};

const whole = (value: unknown, name: string, min: number, max: number): number => {
  if (Number.isInteger(value)) return number(value, name, min, max);
  throw new Complaint(`${name} is a whole number, and ${JSON.stringify(value) ?? "nothing"} was written`);
};

const textOf = (value: unknown, name: string): string => {
  if (typeof value === "string") return value;
  throw new Complaint(`${name} is a text, and ${JSON.stringify(value) ?? "nothing"} was written`);
};

const oneOf = <T extends string>(value: unknown, known: readonly T[], name: string): T => {
  if (known.includes(value as T)) return value as T;
  throw new Complaint(
    `${name} is one of ${known.join(", ")}, and ${JSON.stringify(value) ?? "nothing"} was written`,
  );
};

/** Writes what happens as a script, line by line as it happens: an interrupted run leaves what there was. */
export class Recorder {
  readonly #path: string;
  readonly #handle: number;

  /** Fault LK0006. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#handle = openSync(path, "w", 0o600);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  write({ frame, window, what }: ScriptEvent): void {
    const { tag } = what;
    const name = tag === "drop-path" ? "file-dropped" : tag;
    const line = { frame, ...(window && { window }), [name]: "val" in what ? what.val : true };
    try {
      writeSync(this.#handle, `${JSON.stringify(line)}\n`);
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }

  close(): void {
    closeSync(this.#handle);
  }
}
