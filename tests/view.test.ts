// What a person sees of `loop dev`: the foot of the terminal by itself, and all of it on a real terminal.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fit, follow, foot, nothing, repaint } from "../src/commands/run/src/view.ts";
import { ended, homeFor, loopWords, Said, soon } from "./home.ts";

const esc = "\x1b";
const whole = new RegExp(`^${esc}\\[([0-9;]*)([A-Za-z])$`);
const tokens = new RegExp(`${esc}\\[[0-9;]*[A-Za-z]|[\\s\\S]`, "gu");
const begun = new RegExp(`${esc}(\\[[0-9;]*)?$`);

/** As much of a terminal as the view uses; another sequence, or a line that is too wide, is an error. */
class Screen {
  readonly columns: number;
  readonly rows: number;
  /** Everything, with what scrolled away. */
  lines: string[] = [""];
  #row = 0;
  #column = 0;
  #part = "";

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  take(text: string): void {
    const all = this.#part + text;
    const cut = begun.exec(all)?.index ?? all.length;
    this.#part = all.slice(cut);
    for (const [token] of all.slice(0, cut).matchAll(tokens)) this.#one(token);
  }

  /** What is on the screen. */
  get seen(): string[] {
    return this.lines.slice(-this.rows);
  }

  #one(token: string): void {
    const sequence = whole.exec(token);
    if (sequence?.[2] === "m") return;
    if (sequence?.[2] === "A") {
      const top = Math.max(0, this.lines.length - this.rows);
      this.#row = Math.max(top, this.#row - Number(sequence[1]));
    } else if (sequence?.[2] === "J") {
      this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
      this.lines.length = this.#row + 1;
    } else if (sequence || token === "\x1b") throw new Error(`The view wrote ${JSON.stringify(token)}`);
    else if (token === "\r") this.#column = 0;
    else if (token === "\n") this.#down();
    else this.#put(token);
  }

  #down(): void {
    this.#row++;
    if (this.#row === this.lines.length) this.lines.push("");
  }

  #put(character: string): void {
    if (this.#column === this.columns) {
      this.#down();
      this.#column = 0;
    }
    const line = this.lines[this.#row]!.padEnd(this.#column);
    this.lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }
}

const digest = `sha256:${"ab".repeat(32)}`;
const started = { tag: "started", val: { name: "app", digest, time: "2026-11-21T04:05:06+01:00" } } as const;
const failed = (name: string, lines: number) =>
  ({
    tag: "failed",
    val: {
      name,
      ended: false,
      report: `\x1b[31merror\x1b[39m: in ${name}\n${"x".repeat(300)}\n${"more\n".repeat(lines)}`,
    },
  }) as const;
const terminal = { columns: 60, rows: 16, styled: false };

test("the foot says what runs, what is built, and what was swapped last with its time and parts", () => {
  const state = nothing();
  follow(state, { tag: "watching", val: { members: ["style", "app"], by: "events", application: "app" } });
  follow(state, started);
  follow(state, { tag: "building", val: { name: "style" } });
  expect(foot(state, terminal)).toEqual([
    `── loop dev: style, app ${"─".repeat(33)}`,
    "runs  app abababababab since 04:05:06",
    "build style …",
  ]);
  follow(state, { tag: "built", val: { name: "style", ms: 84 } });
  expect(foot(state, terminal).at(-1)).toBe("last  style built in 84 ms");
  follow(state, {
    tag: "swapped",
    val: {
      place: "style",
      identifier: "/s.wasm",
      digest,
      generation: 2,
      state: "handed-over",
      parts: [
        { phase: "link", ms: 3.21 },
        { phase: "compare", ms: 0.01 },
      ],
      sinceChangeMs: 93.4,
      time: "2026-11-21T04:06:07+01:00",
    },
  });
  expect(foot(state, { ...terminal, columns: 200 }).slice(-2)).toEqual([
    "runs  app abababababab since 04:05:06, style abababababab",
    "last  style at 04:06:07 in 93 ms: link 3.2, state handed-over",
  ]);
});

test("the foot of a workspace without an application says that nothing is run", () => {
  const state = nothing();
  follow(state, { tag: "watching", val: { members: ["one"], by: "polling" } });
  expect(foot(state, { ...terminal, columns: 60 })).toEqual([
    `── loop dev: one, twice a second ${"─".repeat(24)}`,
    "runs  nothing, since no member is the application; loop …",
  ]);
});

test("what was not swapped stands above the rule while it is awaited, each by itself, and no longer than what runs", () => {
  const state = nothing();
  follow(state, started);
  const notSwapped = (identifier: string, awaited = true) =>
    follow(state, {
      tag: "not-swapped",
      val: { place: "picks", identifier, report: `about ${identifier}`, awaited },
    });
  const shown = () => foot(state, terminal).filter((line) => line.startsWith("about"));
  const one = { place: "picks", generation: 2, state: "none", parts: [], sinceChangeMs: 1 };
  const time = "2026-11-21T04:06:07+01:00";
  notSwapped("/a");
  notSwapped("/b");
  notSwapped("/elsewhere", false);
  expect(shown()).toEqual(["about /a", "about /b"]);
  follow(state, { tag: "swapped", val: { ...one, identifier: "/a", digest, time } });
  expect(shown()).toEqual(["about /b"]);
  follow(state, { tag: "settled", val: { place: "picks", identifier: "/b" } });
  expect(shown()).toEqual([]);
  notSwapped("/a");
  follow(state, started);
  expect(shown()).toEqual([]);
  notSwapped("/a");
  follow(state, { tag: "ended", val: { name: "app", exitCode: 0, time } });
  expect(shown()).toEqual([]);
  follow(state, { tag: "arranged", val: { place: "picks", added: ["/c"], removed: [], ms: 3.2, time } });
  expect(foot(state, terminal).at(-1)).toBe("last  picks at 04:06:07 in 3 ms: added /c");
});

test("what failed while it ran has ended, and stands there until it runs again", () => {
  const state = nothing();
  follow(state, started);
  follow(state, { tag: "failed", val: { name: "app", report: "it trapped", ended: true } });
  const wide = { ...terminal, columns: 200 };
  const is = ["app failed and has ended", "it trapped", "runs  app failed; waiting for a change"];
  const shown = () => foot(state, wide).filter((line) => !line.startsWith("──"));
  expect(shown()).toEqual(is);
  // Another build that is well brings nothing back.
  follow(state, { tag: "mended", val: "app" });
  expect(shown()).toEqual(is);
  follow(state, started);
  expect(shown()).toEqual(["runs  app abababababab since 04:05:06"]);
});

test("what failed stands above the rule until it is mended, and one that is gone is not waited for", () => {
  const state = nothing();
  follow(state, started);
  follow(state, failed("style", 0));
  follow(state, failed("app", 0));
  const both = foot(state, terminal);
  expect(both[0]).toBe("style failed; what runs goes on");
  expect(both[1]).toBe("error: in style");
  expect(both).toContain("app failed; what runs goes on");
  follow(state, { tag: "mended", val: "style" });
  expect(foot(state, terminal).join("\n")).not.toContain("style failed");
  follow(state, { tag: "watching", val: { members: ["style"], by: "events", application: "app" } });
  expect(foot(state, terminal).join("\n")).not.toContain("failed");
});

test("on a narrow terminal a sentence is broken between words, and code is cut", () => {
  const state = nothing();
  const report = `error[LK0602]: src/main.ts:11:7: ${"Unexpected end of file ".repeat(2).trim()}\n  ${"oops(( ".repeat(9)}`;
  follow(state, { tag: "failed", val: { name: "app", report, ended: false } });
  expect(foot(state, { ...terminal, columns: 40 }).slice(0, 4)).toEqual([
    "app failed; what runs goes on",
    "error[LK0602]: src/main.ts:11:7:",
    "  Unexpected end of file Unexpected",
    "  end of file",
  ]);
  expect(foot(state, { ...terminal, columns: 40 })[4]).toBe("  oops(( oops(( oops(( oops(( oops((…");
});

test("no line of the foot is as wide as the terminal, and it leaves room above itself, however small that is", () => {
  const state = nothing();
  follow(state, {
    tag: "watching",
    val: { members: Array.from({ length: 40 }, (_, i) => `member-${i}`), by: "polling", application: "app" },
  });
  follow(state, started);
  follow(state, failed("漢字".repeat(60), 100));
  for (const [columns, rows] of [
    [200, 50],
    [60, 16],
    [10, 4],
    [3, 2],
    [1, 1],
  ] as const) {
    const lines = foot(state, { columns, rows, styled: false });
    expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.max(1, columns - 3));
  }
  expect(foot(state, terminal)).toContain("… 95 lines more");
  expect([fit("漢字漢", 4), fit("abc", 3), fit("abcd", 3)].map((text) => Bun.stringWidth(text) <= 4)).toEqual(
    [true, true, true],
  );
});

test("without styles there are none, and with them they are ended on their line", () => {
  const state = nothing();
  follow(state, failed("app", 2));
  expect(foot(state, terminal).join("")).not.toContain("\x1b");
  for (const line of foot(state, { ...terminal, styled: true }))
    if (line.includes("\x1b[")) expect(line).toEndWith("\x1b[0m");
});

test("lines scroll above the foot, and nothing of an old foot is left", () => {
  const screen = new Screen(60, 16);
  const state = nothing();
  let before: string[] = [];
  const show = (above: string) => {
    const after = foot(state, terminal);
    screen.take(repaint(before, above, after, terminal).replaceAll("\n", "\r\n"));
    before = after;
  };
  const said: string[] = [];
  for (let i = 0; i < 60; i++) {
    if (i === 10) follow(state, failed("app", 40));
    if (i === 30) follow(state, { tag: "mended", val: "app" });
    if (i === 40) follow(state, started);
    said.push(`line ${i}`);
    show(`line ${i}\n`);
  }
  expect(screen.lines).toEqual([...said, ...before]);
  screen.take(repaint(before, "", [], terminal));
  expect(screen.lines).toEqual([...said, ""]);
});

const home = homeFor("view", { TERM: "xterm-256color" });
const source = join(home.folder, "src/main.ts");

const files: Readonly<Record<string, string>> = {
  "loop.toml": `[component]\nname = "app"\nlanguage = "typescript"\nworld = "app"\n`,
  "wit/world.wit": `package demo:app@0.1.0;

world app {
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:cli/stdin@0.2.12;
  import loop:core/log@0.1.0;
  export wasi:cli/run@0.2.12;
}
`,
  "src/main.ts": `import { write } from "loop:core/log@0.1.0";
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { getStdin } from "wasi:cli/stdin@0.2.12";

const asks = false;
export const run = {
  run(): void {
    if (asks) {
      console.log("your name?");
      const typed = getStdin().blockingRead(100n);
      console.log("\\x1b[1mraw " + new TextDecoder().decode(typed));
    }
    for (let i = 0; i < 3000; i++) {
      console.log("Hello " + i + " \\x1b[2J");
      write("warn", "careful", [["turn", { tag: "integer", val: i }]]);
      subscribeDuration(20_000_000n).block();
    }
  },
};
`,
};

beforeAll(() => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home.folder, path, ".."), { recursive: true });
    writeFileSync(join(home.folder, path), text);
  }
});

/** `loop dev` at a terminal, as it is seen. */
const atTerminal = (...words: string[]) => {
  const screen = new Screen(100, 20);
  let raw = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([...loopWords, "dev", ...words], {
    cwd: home.folder,
    env: home.env,
    terminal: {
      cols: 100,
      rows: 20,
      data(_, data) {
        const text = decoder.decode(data, { stream: true });
        raw += text;
        screen.take(text);
      },
    },
  });
  const until = async (what: string, seen: () => boolean) => {
    await soon(seen, () => `${what} was looked for in\n${screen.seen.join("\n")}`);
  };
  return { child, screen, until, raw: () => raw };
};

test("a terminal shows lines above the foot, what fails over them until it is mended, and is left clean", async () => {
  const original = readFileSync(source, "utf8");
  const { child, screen, until } = atTerminal();
  try {
    const foot = (wanted: RegExp) => () => screen.seen.slice(-2).some((line) => wanted.test(line));
    await until("what runs", foot(/^runs {2}app [0-9a-f]{12} since \d\d:\d\d:\d\d$/));
    await until("a line", () => screen.seen.some((line) => /^app \| Hello 5 +$/.test(line)));
    await until("a record", () => screen.seen.some((line) => /^app \| warn {2}careful turn=5$/.test(line)));
    writeFileSync(source, original.replace("export const run", "export konst run"));
    await until("the failure", () => screen.seen.some((line) => line === "app failed; what runs goes on"));
    const rule = screen.seen.findIndex((line) => line.startsWith("── loop dev: app ─"));
    const report = screen.seen.findIndex((line) => line.includes("error[LK0602]"));
    expect(report).toBeGreaterThan(0);
    expect(rule).toBeGreaterThan(report);
    const count = screen.lines.length;
    await until("the old one going on", () => screen.lines.length > count + 5);
    expect(screen.seen).toContain("app failed; what runs goes on");
    writeFileSync(source, original.replace("Hello", "Howdy"));
    await until("the new one", () => screen.seen.some((line) => /^app \| Howdy/.test(line)));
    expect(screen.lines.join("\n")).not.toContain("error[LK0602]");
    expect(screen.lines.filter((line) => line.startsWith("── loop dev")).length).toBe(1);
    child.terminal!.write("\x03");
    expect(await child.exited).toBe(0);
    expect(screen.lines.filter((line) => /^── loop dev|^runs /.test(line))).toEqual([]);
  } finally {
    child.kill("SIGKILL");
    writeFileSync(source, original);
  }
}, 120_000);

test("an application that reads the keyboard has the terminal to itself", async () => {
  const original = readFileSync(source, "utf8");
  writeFileSync(source, original.replace("asks = false", "asks = true"));
  const { child, screen, until, raw } = atTerminal();
  try {
    await until("the question", () => screen.seen.some((line) => line === "app | your name?"));
    await until("no foot", () => !screen.seen.some((line) => line.startsWith("── loop dev")));
    child.terminal!.write("Ada\n");
    await until("the answer", () => raw().includes("\x1b[1mraw Ada"));
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    writeFileSync(source, original);
  }
}, 120_000);

test("off a terminal there are plain lines, whose lines is chosen, and a level that is none is said", async () => {
  const piped = (...words: string[]) => home.spawn(home.folder, "dev", ...words);
  expect(await ended(piped("--log", "app=loud"))).toMatchObject({
    code: 1,
    said: expect.stringContaining('"app=loud" was written'),
  });
  /** Both streams, from the start until the fourth turn is over. */
  const seen = async (...words: string[]) => {
    const child = piped(...words);
    const [out, err] = [new Said(child.stdout), new Said(child.stderr)];
    await err.until(/turn=3/);
    child.kill("SIGINT");
    const texts = await Promise.all([out.whole, err.whole]);
    expect(await child.exited).toBe(0);
    return texts;
  };
  const [out, err] = await seen();
  expect(out).toStartWith("app | Hello 0 \napp | Hello 1 \n");
  expect(err).toContain("app | warn  careful turn=0\n");
  expect(err).toContain("dev: running app");
  const [some, chosen] = await seen("--log", "app=warn");
  expect([some, chosen.includes("app | warn  careful turn=0\n")]).toEqual(["", true]);
  const [raw, logged] = await seen("--plain");
  expect(raw).toStartWith("Hello 0 \x1b[2J\nHello 1");
  expect(logged).toContain("app | warn  careful turn=0\n");
}, 120_000);
