// Looking at programs that run, from another terminal: found, read, changed, and left alone by whoever may not.
import { beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { homeFor, root, Said } from "./home.ts";

const home = homeFor("control");
const work = join(home.folder, "work");
const runtime = join(home.folder, "runtime");
home.env.XDG_RUNTIME_DIR = runtime;

const spawn = (folder: string, ...words: string[]) => home.spawn(join(work, folder), ...words);
const loop = (...words: string[]) => home.loop(work, ...words);

const files: Readonly<Record<string, string>> = {
  "loop.toml": `[component]
name = "app"
language = "typescript"
world = "app"

[slots.style]
contract = "demo:app/style@0.1.0"
default = "./plain/build/plain.wasm"

[workspace]
members = ["plain", "loud"]
`,
  "wit/world.wit": `package demo:app@0.1.0;

interface style {
  render: func(name: string) -> string;
}

world app {
  import wasi:clocks/monotonic-clock@0.2.12;
  import loop:core/log@0.1.0;
  import style;
  export wasi:cli/run@0.2.12;
}

world styling {
  export style;
}
`,
  "src/main.ts": `import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { write } from "loop:core/log@0.1.0";
import { render } from "demo:app/style@0.1.0";

export const run = {
  run(): void {
    for (let i = 0; i < 3000; i++) {
      console.log(render("you"));
      write(i % 2 ? "warn" : "info", i % 2 ? "odd" : "even", []);
      subscribeDuration(20_000_000n).block();
    }
  },
};
`,
  ...Object.fromEntries(
    ["plain", "loud"].flatMap((name) => [
      [`${name}/loop.toml`, `[component]\nname = "${name}"\nlanguage = "typescript"\nworld = "styling"\n`],
      [
        `${name}/src/main.ts`,
        `export const style = { render: (name: string): string => \`${name} \${name}\` };\n`,
      ],
    ]),
  ),
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  mkdirSync(runtime, { mode: 0o700 });
  for (const name of ["plain", "loud"]) {
    cpSync(join(work, "wit"), join(work, name, "wit"), { recursive: true });
    expect(await home.loop(join(work, name), "build")).toMatchObject({ said: "", code: 0 });
  }
  expect((await loop("build")).said).toBe("");
}, 120_000);

/** Waits until `loop ps` has the program with its slot. */
const listed = async (pid: number): Promise<Record<string, unknown>> => {
  for (let tries = 0; tries < 40; tries++) {
    const all = JSON.parse((await loop("ps", "--json")).out) as { pid: number; places: unknown[] }[];
    const found = all.find((one) => one.pid === pid && one.places.length > 0);
    if (found) return found as unknown as Record<string, unknown>;
    await Bun.sleep(100);
  }
  throw new Error("it was never listed");
};

test("a program that runs is listed, read, swapped and left from another terminal, and goes on", async () => {
  const app = spawn(".", "run");
  const out = new Said(app.stdout);
  try {
    await out.until(/plain you/);
    const program = await listed(app.pid);
    expect(program).toMatchObject({
      pid: app.pid,
      what: "run",
      folder: work,
      places: [{ name: "style", standing: [{ generation: 1 }] }],
    });
    const shown = await loop("ps");
    expect(shown.out).toMatch(
      new RegExp(`^${app.pid} .* style +\\S+plain\\.wasm [0-9a-f]{12} +run +${work}$`, "m"),
    );
    expect(statSync(join(runtime, "loop")).mode & 0o777).toBe(0o700);
    expect(statSync(join(runtime, "loop", `${app.pid}.sock`)).mode & 0o077).toBe(0);

    const logs = await loop("logs", String(app.pid), "--level", "warn", "--component", "app", "--json");
    const said = logs.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { level: string; message: string });
    expect(said.length).toBeGreaterThan(3);
    expect(new Set(said.map(({ level, message }) => `${level} ${message}`))).toEqual(new Set(["warn odd"]));

    // What it writes is there as well, by itself, and what it logs is no line of standard error besides.
    const streams = await loop("logs", String(app.pid), "--source", "stdout", "--source", "stderr", "--json");
    const written = streams.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; level: string; message: string });
    expect(written.length).toBeGreaterThan(3);
    expect(new Set(written.map(({ kind, level, message }) => `${kind} ${level} ${message}`))).toEqual(
      new Set(["stdout info plain you"]),
    );
    expect((await loop("logs", String(app.pid), "--level", "warn")).out).not.toContain("plain you");
    const source = await loop("logs", String(app.pid), "--source", "output");
    expect([source.code, source.said]).toEqual([1, expect.stringContaining("LK0004")]);

    const attached = spawn(".", "attach", String(app.pid));
    const view = new Said(attached.stdout);
    await view.until(/even/);
    await view.until(/ stdout \S*app\.wasm plain you\n/);
    const swapped = await loop("swap", String(app.pid), "style", "loud/build/loud.wasm");
    expect([swapped.code, swapped.said]).toEqual([0, ""]);
    expect(swapped.out).toMatch(
      /^style is filled by loud\/build\/loud\.wasm now \(\d+\.\d ms, generation 2\)\n$/,
    );
    await out.until(/loud you/);
    await view.until(/style is filled by .*loud\.wasm now/);
    attached.kill("SIGINT");
    await attached.exited;
    const length = out.text.length;
    for (let waited = 0; out.text.length === length && waited < 5000; waited += 20) await Bun.sleep(20);
    expect(out.text.length).toBeGreaterThan(length);

    // What fails leaves it as it is, and says why with its code.
    const broken = await loop("swap", String(app.pid), "style", "build/app.wasm");
    expect([broken.code, broken.said]).toEqual([1, expect.stringContaining("LK0402")]);
    const none = await loop("swap", String(app.pid), "other", "build/app.wasm");
    expect([none.code, none.said]).toEqual([1, expect.stringContaining("LK0425")]);
    expect(await listed(app.pid)).toMatchObject({ places: [{ standing: [{ generation: 2 }] }] });
  } finally {
    app.kill("SIGKILL");
    await app.exited;
  }
  // It was killed and could take nothing away: whoever looks next does.
  expect(existsSync(join(runtime, "loop", `${app.pid}.sock`))).toBe(true);
  expect((await loop("ps")).out).toBe("No program of loop runs\n");
  expect(readdirSync(join(runtime, "loop"))).toEqual([]);
  const gone = await loop("logs", String(app.pid));
  expect([gone.code, gone.said]).toEqual([1, expect.stringContaining("LK0441")]);
}, 120_000);

test("a program takes a component's place and another takes over its state, while calls go on", async () => {
  cpSync(join(root, "tests/fixtures/sidecar"), join(work, "side"), { recursive: true });
  cpSync(join(work, "side/style.py"), join(work, "side/other.py"));
  const [one, other] = [join(work, "side/style.py"), join(work, "side/other.py")];
  const app = spawn(".", "run");
  const out = new Said(app.stdout);
  try {
    await out.until(/plain you/);
    await listed(app.pid);
    const swap = (file: string, ...flags: string[]) =>
      loop("swap", String(app.pid), "style", `sidecar:${file}`, ...flags);
    expect((await swap(one)).said).toContain("LK0408");
    // The same bytes, so both are trusted; that they may be started is said of each.
    expect((await loop("trust", "add", `sidecar:${one}`)).said).toBe("");
    expect((await swap(one)).said).toContain("LK0701");
    expect((await swap(one, `--allow-run=${one}`)).said).toBe("");
    await out.until(/side you 5\n/);
    expect(await listed(app.pid)).toMatchObject({ places: [{ standing: [{ restarts: 0 }] }] });
    const handed = await swap(other, `--allow-run=${other}`);
    expect([handed.said, handed.out]).toEqual(["", expect.stringContaining("its state handed over")]);
    const program = await listed(app.pid);
    expect(JSON.stringify(program.places)).toContain("other.py");
    // What a program says on standard error is there under its own name.
    const complaints = await loop("logs", String(app.pid), "--source", "stderr", "--component", "other.py");
    expect(complaints.out).toMatch(/ stderr sidecar:\S+\/other\.py other\.py: restored\n$/);
    await Bun.sleep(300);
    const counts = [...out.text.matchAll(/^side you (\d+)$/gm)].map(([, count]) => Number(count));
    expect(counts).toEqual(counts.map((_, i) => i + 1));
    // And a component again.
    expect((await loop("swap", String(app.pid), "style", "loud/build/loud.wasm")).said).toBe("");
    await out.until(/loud you/);
  } finally {
    app.kill("SIGKILL");
    await app.exited;
  }
}, 120_000);

test("loop dev is listed like any other, and takes its socket away when it ends", async () => {
  const dev = spawn(".", "dev");
  try {
    await new Said(dev.stdout).until(/plain you/);
    expect(await listed(dev.pid)).toMatchObject({ what: "dev", places: [{ name: "style" }] });
  } finally {
    dev.kill("SIGINT");
    await dev.exited;
  }
  expect(existsSync(join(runtime, "loop", `${dev.pid}.sock`))).toBe(false);
}, 120_000);

test("a program that answers nothing, nonsense or another version holds nobody up", async () => {
  const folder = join(runtime, "loop");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const answers: readonly (readonly [number, string | undefined, RegExp])[] = [
    [4000001, undefined, /did not answer within 2000 ms/],
    [4000002, "hello\n", /does not answer as loop does/],
    [4000003, '{"loop":2,"state":{}}\n', /of another version of loop/],
    [4000004, '{"loop":1,"state":{"pid":4000004,"what":7}}\n', /does not answer as loop does/],
    [4000005, "null\n", /does not answer as loop does/],
    [4000006, '{"loop":1,"state":null}\n', /does not answer as loop does/],
    [4000007, '{"loop":1,"end":true}\n', /ended before it answered/],
    [
      4000008,
      '{"loop":1,"line":{"at":1,"kind":"log","level":"","component":"","message":""}}\n',
      /not asked/,
    ],
    [4000009, "x".repeat(5_000_000), /answers without end/],
  ];
  // What is no socket is somebody else's, whatever it is called.
  mkdirSync(join(folder, "4000010.sock"));
  writeFileSync(join(folder, "4000011.sock"), "");
  const servers = await Promise.all(
    answers.map(
      ([pid, text]) =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer((socket) => {
            socket.on("error", () => {});
            if (text) socket.write(text);
          });
          server.listen(join(folder, `${pid}.sock`), () => resolve(server));
        }),
    ),
  );
  const programs = JSON.parse((await loop("ps", "--json")).out) as { pid: number; trouble: string }[];
  expect(programs.map(({ pid }) => pid)).toEqual(answers.map(([pid]) => pid));
  for (const [at, [, , expected]] of answers.entries()) expect(programs[at]!.trouble).toMatch(expected);
  for (const server of servers) server.close();
  expect(readdirSync(folder)).toContain("4000011.sock");
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}, 60_000);

test("what a program says of itself moves no cursor and begins no line", async () => {
  const folder = join(runtime, "loop");
  const pid = 4000020;
  const [evil, digest] = ["e\x1b[2Jv\u202e\nil", `sha256:${"a".repeat(64)}`];
  const places = [{ name: evil, standing: [{ identifier: evil, digest, generation: 1 }] }];
  const state = { pid, what: evil, folder: evil, since: 1, places };
  const line = { at: 1, kind: "stdout", level: "info", component: evil, message: `${evil}\x9b31m` };
  const answers = [{ state }, { state }, { line }];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (question) => {
      const asked = JSON.parse(String(question)).ask === "follow" ? answers.slice(2) : answers.slice(0, 1);
      socket.end(asked.map((answer) => `${JSON.stringify({ loop: 1, ...answer })}\n`).join(""));
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, `${pid}.sock`), resolve));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const unsafe = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/;
  for (const words of [["ps"], ["ps", "--json"], ["logs", `${pid}`], ["logs", `${pid}`, "--json"]]) {
    const { out, said } = await loop(...words);
    expect([words, said]).toEqual([words, ""]);
    expect(out).toContain("v");
    expect(out).not.toMatch(unsafe);
    expect(out).not.toMatch(/^il/m);
  }
  // It ended while it was followed, which is said; nobody waits for it.
  const attached = await loop("attach", `${pid}`);
  expect([attached.code, attached.out]).toEqual([0, expect.stringContaining(`Program ${pid} has ended\n`)]);
  server.close();
  rmSync(join(folder, `${pid}.sock`), { force: true });
}, 60_000);

test("a runtime folder that others may enter is neither used nor believed", async () => {
  const folder = join(runtime, "loop");
  chmodSync(folder, 0o755);
  const app = spawn(".", "run");
  try {
    await new Said(app.stdout).until(/plain you/);
    await Bun.sleep(600);
    expect(readdirSync(folder)).toEqual([]);
    const refused = await loop("ps");
    expect([refused.code, refused.said]).toEqual([1, expect.stringContaining("LK0443")]);
    expect(refused.said).toContain(`chmod 700 ${folder}`);
  } finally {
    app.kill("SIGKILL");
    await app.exited;
    chmodSync(folder, 0o700);
  }
}, 120_000);
