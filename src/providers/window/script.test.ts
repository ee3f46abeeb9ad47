import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { Recorder, readScript, type ScriptEvent } from "./script.ts";
import { settingsOf } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-script-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "events.txt");
const read = (...lines: string[]): readonly ScriptEvent[] => {
  writeFileSync(path, lines.join("\n"));
  return readScript(path).events;
};
const complaint = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.message}`;
    throw error;
  }
  return "none";
};

test("what a line leaves out is what a person would expect", () => {
  const none = { shift: false, control: false, alt: false, meta: false, capsLock: false, numLock: false };
  const events = read(
    "# a comment",
    '{"frame": 1, "pointer-moved": {"x": 20, "y": 30}}',
    '{"frame": 1, "pointer-down": {}}',
    '{"frame": 2, "window": 2, "pointer-moved": {"x": 25, "y": 20}}',
    '{"frame": 3, "key-down": {"code": "KeyA", "modifiers": ["shift"]}}',
    '{"frame": 3, "key-up": {"code": "ArrowLeft"}}',
    '{"frame": 3, "focused": true}',
  );
  expect(events.map(({ what }) => what as unknown)).toEqual([
    { tag: "pointer-moved", val: { x: 20, y: 30, dx: 20, dy: 30 } },
    { tag: "pointer-down", val: { x: 20, y: 30, button: "left", clicks: 1 } },
    { tag: "pointer-moved", val: { x: 25, y: 20, dx: 5, dy: -10 } },
    { tag: "key-down", val: { code: "KeyA", key: "a", modifiers: { ...none, shift: true }, repeat: false } },
    { tag: "key-up", val: { code: "ArrowLeft", key: "ArrowLeft", modifiers: none, repeat: false } },
    { tag: "focused" },
  ]);
  expect(events.map(({ frame, window }) => [frame, window])).toEqual([
    [1, undefined],
    [1, undefined],
    [2, 2],
    [3, undefined],
    [3, undefined],
    [3, undefined],
  ]);
});

test("a slip is named with its line, and with what there is", () => {
  for (const [line, why] of [
    ["{", "It is no JSON"],
    ['{"frame": 1}', "this one has none"],
    ['{"frame": 1, "pointer-mowed": {}}', 'there is "pointer-moved"'],
    ['{"frame": 0, "focused": true}', "frame is a number from 1"],
    ['{"frame": 1.5, "focused": true}', "frame is a whole number"],
    ['{"frame": 1, "focused": 3}', "focused has no value of its own"],
    ['{"frame": 1, "key-down": {"key": "a"}}', "code is a text"],
    ['{"frame": 1, "key-down": {"code": "KeyA", "modifiers": ["shfit"]}}', "modifiers is one of shift"],
    ['{"frame": 1, "pointer-down": {"x": "1"}}', "x is a number"],
    ['{"frame": 1, "pointer-down": {"button": "top"}}', "button is one of left"],
    ['{"frame": 1, "resized": {"width": 100000, "height": 1}}', "width is a number from 1 to 8192"],
    ['{"frame": 1, "toString": {}}', 'No event is called "toString"'],
  ] as const) {
    const said = complaint(() => read("# first", line));
    expect([line, said]).toEqual([line, expect.stringContaining(why)]);
    expect(said).toStartWith(`LK0733 ${path}:2: `);
  }
  expect(complaint(() => read('{"frame": 2, "focused": true}', '{"frame": 1, "focused": true}'))).toContain(
    "go backwards",
  );
  expect(complaint(() => readScript(join(folder, "absent")))).toStartWith("LK0007 ");
});

test("what was recorded plays the same", () => {
  const recorder = new Recorder(join(folder, "recorded"));
  const events = read(
    '{"frame": 1, "window": 1, "key-down": {"code": "KeyA", "modifiers": ["alt"], "repeat": true}}',
    '{"frame": 4, "window": 1, "wheel-turned": {"y": -1}}',
    '{"frame": 4, "window": 1, "text-entered": "ö\\n"}',
    '{"frame": 4, "window": 1, "text-composing": {"text": "ni"}}',
    '{"frame": 5, "window": 1, "touch-down": {"x": 1, "y": 2}}',
    '{"frame": 5, "window": 1, "resized": {"width": 10, "height": 20}}',
    '{"frame": 6, "window": 1, "file-dropped": "a.txt"}',
    '{"frame": 7, "pad-axis-moved": {"axis": "left-x", "value": -0.5}}',
  );
  for (const event of events) recorder.write(event);
  recorder.close();
  expect(readScript(join(folder, "recorded")).events).toEqual([...events]);
  expect(readFileSync(join(folder, "recorded"), "utf8").split("\n").length).toBe(events.length + 1);
});

test("flags that make no sense are refused, with what would", () => {
  const settings = (more: object) => () => settingsOf({ folder, ...more });
  expect(complaint(settings({ frames: "0" }))).toContain("--frames takes a frame from 1 to");
  expect(complaint(settings({ frames: "many" }))).toContain('"many" was written');
  expect(complaint(settings({ screenshots: ["picture.png"] }))).toContain("--screenshot takes N:FILE.png");
  expect(complaint(settings({ screenshots: ["6:picture.jpg"] }))).toContain("--screenshot takes N:FILE.png");
  expect(complaint(settings({ frames: "5", screenshots: ["6:a.png"] }))).toContain("after the last one");
});

test("a run is as long as what was asked of it needs", () => {
  const last = (more: object) => settingsOf({ folder, ...more }).lastFrame;
  expect(last({})).toBe(Infinity);
  expect(last({ headless: true })).toBe(60);
  expect(last({ screenshots: ["7:a.png", "3:b.png"] })).toBe(7);
  read('{"frame": 9, "focused": true}');
  expect(last({ input: path })).toBe(10);
  expect(last({ input: path, frames: "4" })).toBe(4);
});
