// Fillings that are swapped while an application uses them, through the front door: by `loop slot set` in another
// process, and by `loop dev` when their sources change.
import { beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor, Said } from "./home.ts";

const home = homeFor("swap");
const work = join(home.folder, "work");
const spawn = (folder: string, ...words: string[]) => home.spawn(join(work, folder), ...words);
const loop = (folder: string, ...words: string[]) => home.loop(join(work, folder), ...words);

const files: Readonly<Record<string, string>> = {
  "loop.toml": `[component]
name = "app"
language = "typescript"
world = "app"

[slots.style]
contract = "demo:app/style@0.1.0"
default = "./plain/build/plain.wasm"

[workspace]
members = ["plain", "loud", "broken"]
`,
  "wit/world.wit": `package demo:app@0.1.0;

interface style {
  render: func(name: string) -> string;
}

world app {
  import wasi:clocks/monotonic-clock@0.2.12;
  import style;
  export wasi:cli/run@0.2.12;
}

world styling {
  export style;
  export loop:core/handover@0.1.0;
}
`,
  "src/main.ts": `import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { render } from "demo:app/style@0.1.0";

export const run = {
  run(): void {
    for (let i = 0; i < 3000; i++) {
      console.log(render("you"));
      subscribeDuration(10_000_000n).block();
    }
  },
};
`,
};

const style = (name: string, greeting: string, restore: string) => ({
  [`${name}/loop.toml`]: `[component]\nname = "${name}"\nlanguage = "typescript"\nworld = "styling"\n`,
  [`${name}/src/main.ts`]: `let count = 0;
export const style = { render: (name: string): string => \`${greeting} \${name} \${++count}\` };
export const handover = {
  save: () => ({ version: "1", bytes: new TextEncoder().encode(String(count)) }),
  restore(version: string, bytes: Uint8Array): void { ${restore} count = Number(new TextDecoder().decode(bytes)); },
};
`,
});

beforeAll(async () => {
  const all = {
    ...files,
    ...style("plain", "Hello", ""),
    ...style("loud", "HEY", ""),
    ...style("broken", "Oh", 'throw "not this state";'),
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(join(work, path, ".."), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  for (const name of ["plain", "loud", "broken"]) {
    cpSync(join(work, "wit"), join(work, name, "wit"), { recursive: true });
    expect((await loop(name, "build")).said).toBe("");
  }
  expect((await loop(".", "build")).said).toBe("");
}, 120_000);

test("a running application takes over what another terminal fills its slot with, and its state goes along", async () => {
  const app = spawn(".", "run");
  try {
    const [out, said] = [new Said(app.stdout), new Said(app.stderr)];
    await out.line(/^Hello you 5$/);
    expect((await loop(".", "slot", "set", "style", "loud/build/loud.wasm")).code).toBe(0);
    const loud = await out.line(/^HEY you/);
    const counts = out.lines.slice(0, loud + 1).map((line) => Number(line.split(" ")[2]));
    // Every call was answered, and none by a component that had lost count.
    expect(counts).toEqual(counts.map((_, i) => i + 1));
    await said.line(/^loop: style is filled by .*loud\.wasm now \(.* generation 2, its state handed over\)$/);

    // What does not take the state leaves the other where it is, and says in which phase it failed.
    expect((await loop(".", "slot", "set", "style", "broken/build/broken.wasm")).code).toBe(0);
    await said.line(/^loop: style was not swapped$/);
    await said.line(/LK0423.*not this state/);
    await said.line(/restore/);
    await out.line(/^HEY you/, out.lines.length);

    // Two steps back: over the one that failed, to what was there at first.
    expect((await loop(".", "slot", "rollback", "style")).out).toContain("loud.wasm");
    expect((await loop(".", "slot", "rollback", "style")).out).toContain("plain.wasm");
    const plain = await out.line(/^Hello you/, loud);
    const last = out.lines.slice(0, plain + 1).map((line) => Number(line.split(" ")[2]));
    expect(last).toEqual(last.map((_, i) => i + 1));
  } finally {
    app.kill();
    await app.exited;
  }
}, 120_000);

test("what a loop.toml grants meanwhile waits for the person, as it would at a start", async () => {
  const manifest = join(work, "loop.toml");
  const settings = readFileSync(manifest, "utf8");
  await loop(".", "slot", "reset", "style");
  const app = spawn(".", "run");
  try {
    const [out, said] = [new Said(app.stdout), new Said(app.stderr)];
    await out.line(/^Hello you/);
    // Bytes that nobody built here; a custom section makes them others.
    const stranger = join(work, "stranger.wasm");
    const section = [0, 2, 1, 0x78];
    writeFileSync(
      stranger,
      Buffer.concat([readFileSync(join(work, "loud/build/loud.wasm")), Buffer.from(section)]),
    );
    const use = 'use = "./stranger.wasm"\ngrants = ["--dir ./wit::/wit"]\n';
    writeFileSync(manifest, settings.replace("default =", `${use}default =`));
    // Whatever a person decides makes it look.
    expect((await loop(".", "trust", "add", "broken/build/broken.wasm")).code).toBe(0);
    await said.line(/LK0701.*you have not agreed/);
    await out.line(/^Hello you/, out.lines.length);
    expect(out.text).not.toContain("HEY");
    expect((await loop(".", "trust", "add", stranger, `--dir=${join(work, "wit")}::/wit`)).said).toBe("");
    await out.line(/^HEY you/);
  } finally {
    app.kill();
    await app.exited;
    writeFileSync(manifest, settings);
  }
}, 60_000);

test("without anything before it there is nothing to roll back to", async () => {
  const { said, code } = await loop(".", "slot", "rollback", "command:new");
  expect([code, said.includes("LK0427")]).toEqual([1, true]);
});

/** Events of `loop dev --json`. */
const events = (out: Said) => out.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
/** Of one of them, what the application wrote. */
const written = (line: string): string => {
  const { event, source, component, text } = JSON.parse(line);
  return event === "log" && source === "stdout" && component === "app" ? text : "";
};
const eventOf = async (out: Said, wanted: RegExp, from: number) => {
  const at = await out.line(wanted, from);
  return JSON.parse(out.lines[at]!) as Record<string, unknown>;
};
const digestOfFile = (path: string): string =>
  `sha256:${new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex")}`;

test("loop dev swaps in what changed, keeps state, and leaves what runs alone while a build fails", async () => {
  const source = join(work, "plain/src/main.ts");
  const original = readFileSync(source, "utf8");
  const app = spawn(".", "dev", "--json");
  try {
    const out = new Said(app.stdout);
    await out.line(/"event":"watching".*"plain"/);
    expect(await eventOf(out, /"event":"started"/, 0)).toMatchObject({
      name: "app",
      digest: digestOfFile(join(work, "build/app.wasm")),
    });
    const first = await out.line(/"Hello you/);

    // Saved twice quickly, as editors do, and by renaming.
    let from = out.lines.length;
    writeFileSync(source, original.replace("Hello", "Halfway"));
    writeFileSync(`${source}.tmp`, original.replace("Hello", "Howdy"));
    renameSync(`${source}.tmp`, source);
    const swapped = await eventOf(out, /"event":"swapped".*"generation":2/, from);
    expect(swapped).toMatchObject({ place: "style", state: "handed-over" });
    expect(swapped.digest).toBe(digestOfFile(join(work, "plain/build/plain.wasm")));
    const howdy = await out.line(/"Howdy you/, from);
    const counts = out.lines
      .slice(first, howdy + 1)
      .map(written)
      .flatMap((text) => (/^H\w+ you/.test(text) ? [Number(text.split(" ")[2])] : []));
    expect(counts).toEqual(counts.map((_, i) => counts[0]! + i));

    from = out.lines.length;
    writeFileSync(source, original.replace("export const style", "export konst style"));
    expect(await eventOf(out, /"event":"failed"/, from)).toMatchObject({ name: "plain", code: "LK0602" });
    await out.line(/"Howdy you/, out.lines.length);

    from = out.lines.length;
    writeFileSync(source, original.replace("Hello", "Hullo"));
    await out.line(/"event":"mended"/, from);
    await out.line(/"Hullo you/, from);

    // Nothing has changed since, so nothing is built: what a build writes makes no build.
    from = out.lines.length;
    await Bun.sleep(1500);
    expect(
      events(out)
        .slice(from)
        .filter(({ event }) => event !== "log"),
    ).toEqual([]);
    expect(events(out).filter(({ event, name }) => event === "built" && name === "app").length).toBeLessThan(
      2,
    );
  } finally {
    app.kill("SIGINT");
    expect(await app.exited).toBe(0);
    writeFileSync(source, original);
  }
}, 180_000);

test("loop dev hears a loop.toml that was broken and mended, and what is saved while it builds", async () => {
  const [manifest, source] = [join(work, "loop.toml"), join(work, "src/main.ts")];
  const [settings, original] = [readFileSync(manifest, "utf8"), readFileSync(source, "utf8")];
  const app = spawn(".", "dev", "--json");
  try {
    const out = new Said(app.stdout);
    await out.line(/"text":"Hello you/);
    // Built on the quick path from now on: the same sources are the same bytes.
    let from = out.lines.length;
    writeFileSync(source, `${original}\n`);
    await out.line(/"event":"started"/, from);
    await out.line(/"text":"Hello you/, from);

    from = out.lines.length;
    writeFileSync(manifest, "[component\n");
    await out.line(/"event":"failed"/, from);
    await out.line(/"text":"Hello you/, out.lines.length);

    // What it says now is another filling, which takes the place of the one that stands there, with its state.
    from = out.lines.length;
    writeFileSync(manifest, settings.replace("./plain/build/plain.wasm", "./loud/build/loud.wasm"));
    await out.line(/"event":"mended"/, from);
    const swapped = await eventOf(out, /"event":"swapped"/, from);
    expect(swapped).toMatchObject({ place: "style", state: "handed-over", generation: 2 });
    await out.line(/"text":"HEY you \d\d/, from);

    // What is heard at a start alone begins it anew.
    from = out.lines.length;
    writeFileSync(manifest, settings.replace('contract = "demo', 'timeout = "5s"\ncontract = "demo'));
    await out.line(/"event":"started"/, from);
    await out.line(/"text":"Hello you 1"/, from);

    // Edits during a build: what was saved last is what runs in the end.
    from = out.lines.length;
    writeFileSync(source, original.replace('render("you")', '"first"'));
    await out.line(/"event":"building"/, from);
    writeFileSync(source, original.replace('render("you")', '"second"'));
    await out.line(/"text":"second"/, from);

    // Interrupted in the middle of a build.
    from = out.lines.length;
    writeFileSync(source, original.replace('render("you")', '"third"'));
    await out.line(/"event":"building"/, from);
  } finally {
    app.kill("SIGINT");
    expect(await app.exited).toBe(0);
    writeFileSync(manifest, settings);
    writeFileSync(source, original);
  }
}, 180_000);
