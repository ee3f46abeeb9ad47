import { expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import type { LogLevel, OutputSink } from "../../host/provider.ts";
import { type Line, localTime, nameOf, type Telling, Voices } from "./voices.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A session's ear: lines and turns of typing as they are told, and what passed as it was. */
const hearing = (form: Telling["form"], ...logs: string[]) => {
  const heard = { lines: [] as Line[], typing: [] as boolean[], passed: "" };
  const sink: OutputSink = {
    write(bytes) {
      heard.passed += new TextDecoder().decode(bytes);
    },
    flush: () => {},
    isTerminal: true,
  };
  const stdin = { read: async () => encode("typed\n"), isTerminal: true };
  const voices = new Voices({ stdin, stdout: sink, stderr: sink }, { form, logs });
  voices.listen({
    line: (line) => heard.lines.push(line),
    typing: (is) => heard.typing.push(is),
  });
  const app = voices.application("./build/app.wasm");
  const texts = () => heard.lines.map(({ text }) => text);
  return { voices, heard, app, texts, filling: app.voiceOf!("./plain/build/plain.wasm") };
};

test("a component is called by its file, or by the last part of its name", () => {
  const names = [
    "./a/build/app.wasm",
    "builtin:run",
    "acme:tool@^1.2",
    "oci://host.example/n/tool:1.2.0",
    "https://h.example/x.wasm?a",
  ];
  expect(names.map(nameOf)).toEqual(["app", "run", "tool", "tool", "x"]);
});

test("whole lines are told, whatever pieces they come in, with whose they are", () => {
  const { heard, app, filling } = hearing("lines");
  app.stdio.stdout.write(encode("one\ntw"));
  filling.stderr.write(encode("other\r\n"));
  app.stdio.stdout.write(encode("o\n"));
  expect(heard.lines.map(({ component, source, level, text }) => [component, source, level, text])).toEqual([
    ["app", "stdout", "info", "one"],
    ["plain", "stderr", "warn", "other"],
    ["app", "stdout", "info", "two"],
  ]);
  expect(heard.passed).toBe("");
});

test("nothing that a component writes drives the terminal, and as data it stays what it is", () => {
  const evil = "a\x1b[2Jb\x1b]0;title\x07c\x1b[31md\x1bce\x9b1mf\u202eg\tx\x00\n";
  const shown = hearing("drawn");
  shown.app.stdio.stdout.write(encode(evil));
  shown.app.log!.write({ level: "info", message: "two\nlines \x1b[1m", fields: [["k\x1b[m", "v\n\x1b[2J"]] });
  expect(JSON.stringify(shown.heard.lines.map(({ text, fields }) => [text, fields]))).not.toMatch(
    /\\u00|\\u009b|\u202e/,
  );
  expect(shown.texts()).toEqual(["abcde 1mf g    x ", "two\\nlines "]);
  const data = hearing("data");
  data.app.stdio.stdout.write(encode(evil));
  expect(data.texts()).toEqual([evil.slice(0, -1)]);
});

test("a line that is written over is told as it was at last; half a line at the end, or after a while", async () => {
  const { app, voices, texts } = hearing("lines");
  app.stdio.stdout.write(encode("10 %\r50 %\rdone\n"));
  app.stdio.stdout.write(encode("wait"));
  expect(texts()).toEqual(["done"]);
  await Bun.sleep(limits.devPartMs + 100);
  app.stdio.stdout.write(encode("last"));
  voices.ended();
  expect(texts()).toEqual(["done", "wait", "last"]);
});

test("a line without an end is cut where it is too long, and no character of it is lost", () => {
  const { app, texts } = hearing("lines");
  app.stdio.stdout.write(encode(`${"x".repeat(limits.logTextMax * 3)}y\n`));
  expect(texts().join("")).toBe(`${"x".repeat(limits.logTextMax * 3)}y`);
  expect(Math.max(...texts().map((text) => text.length))).toBe(limits.logTextMax);
});

test("a filter says whose lines are told, from which level on", () => {
  const say = (...logs: string[]) => {
    const { app, filling, texts, heard } = hearing("lines", ...logs);
    for (const [name, { stdout, stderr, log }] of [
      ["app", { ...app.stdio, log: app.log! }],
      ["plain", filling],
    ] as const) {
      stdout.write(encode(`${name} out\n`));
      stderr.write(encode(`${name} err\n`));
      for (const level of ["debug", "info", "error"] satisfies LogLevel[])
        log.write({ level, message: `${name} ${level}`, fields: [] });
    }
    expect(heard.passed).toBe("");
    return texts();
  };
  const all = (name: string) => [`${name} out`, `${name} err`, `${name} info`, `${name} error`];
  expect(say()).toEqual([...all("app"), ...all("plain")]);
  expect(say("plain")).toEqual(all("plain"));
  expect(say("plain=error,app=warn")).toEqual(["app err", "app error", "plain error"]);
  expect(say("*=error", "plain=debug")).toEqual([
    "app error",
    "plain out",
    "plain err",
    "plain debug",
    "plain info",
    "plain error",
  ]);
  for (const bad of ["app=loud", "", "=info", "a,,b", "a=info=b"])
    expect(() => hearing("lines", bad)).toThrow(expect.objectContaining({ code: "LK0004" }));
});

test("streams that are not touched pass as they are, but for those that are filtered out", () => {
  const { app, filling, heard } = hearing("untouched", "app");
  app.stdio.stdout.write(encode("\x1b[2Jraw"));
  filling.stdout.write(encode("hidden"));
  expect([heard.passed, heard.lines.length]).toEqual(["\x1b[2Jraw", 0]);
});

test("a stream waits while what was said is not taken, and log records are counted then", async () => {
  const { app, voices, texts } = hearing("lines");
  const line = encode(`${"x".repeat(1000)}\n`);
  let waiting: void | Promise<void>;
  for (let i = 0; i < 2000; i++) waiting = app.stdio.stdout.write(line);
  expect(waiting!).toBeInstanceOf(Promise);
  const before = texts().length;
  for (let i = 0; i < 5; i++) app.log!.write({ level: "info", message: "lost", fields: [] });
  expect(texts().length).toBe(before);
  voices.taken();
  await waiting!;
  expect(texts().at(-1)).toBe("5 log records were dropped");
});

test("who reads the keyboard has the terminal once room was made, until it ends", async () => {
  const { app, voices, heard, texts } = hearing("drawn");
  app.stdio.stdout.write(encode("name? "));
  const read = app.stdio.stdin.read(100);
  expect([texts(), heard.typing]).toEqual([["name? "], [true]]);
  let answered = false;
  void Promise.resolve(read).then(() => {
    answered = true;
  });
  await Bun.sleep(20);
  expect(answered).toBe(false);
  voices.shown();
  expect(new TextDecoder().decode(await read)).toBe("typed\n");
  app.stdio.stdout.write(encode("\x1b[1mhello"));
  expect(heard.passed).toBe("\x1b[1mhello");
  voices.ended();
  expect(heard.typing).toEqual([true, false]);
});

test("a question of loop's own makes room for as long as it is open", async () => {
  const { voices, heard, texts } = hearing("drawn");
  const { stdin, stderr } = voices.own();
  stderr.write(encode("1-3 [3] "));
  const read = stdin.read(100);
  voices.shown();
  await read;
  expect([texts(), heard.typing, stderr.isTerminal]).toEqual([["1-3 [3] "], [true, false], true]);
});

test("once nobody listens nobody waits, and what is written passes", async () => {
  const { app, voices, heard } = hearing("drawn");
  const stuck = app.stdio.stdin.read(1);
  voices.close();
  await stuck;
  app.stdio.stdout.write(encode("bye\n"));
  expect(heard.passed).toBe("bye\n");
});

test("a time says its zone", () => {
  expect(localTime(new Date(0))).toMatch(/^19(69|70)-\d\d-\d\dT\d\d:\d\d:00[+-]\d\d:\d\d$/);
  expect(Date.parse(localTime(new Date(1_700_000_000_000)))).toBe(1_700_000_000_000);
});
