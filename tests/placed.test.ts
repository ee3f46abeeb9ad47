// Files that fill slots and that nobody here builds, while `loop dev` runs what uses them: what stands is what is on disk,
// whoever named the file and however it is written.
import { beforeAll, beforeEach, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { wasmTools } from "../src/contract/tools.ts";
import { picker } from "../src/host/fixture.ts";
import { homeFor, Said, soon } from "./home.ts";

const home = homeFor("placed", { PATH: "/nowhere" });
const built = join(home.folder, "built");

const files: Readonly<Record<string, string>> = {
  "loop.toml": `[component]
name = "app"
language = "typescript"
world = "app"

[slots.picks]
contract = "s:s/pick@0.1.0"
combination = "all"
default = "../elsewhere/out/a.wasm"
`,
  "wit/world.wit": `package demo:app@0.1.0;
world app {
  import wasi:clocks/monotonic-clock@0.2.12;
  import wasi:cli/environment@0.2.12;
  import s:s/pick@0.1.0;
  export wasi:cli/run@0.2.12;
}
`,
  "wit/deps/s/package.wit": "package s:s@0.1.0;\ninterface pick { pick: func(n: u32) -> list<u32>; }\n",
  "src/main.ts": `import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { getArguments } from "wasi:cli/environment@0.2.12";
import { pick } from "s:s/pick@0.1.0";

export const run = {
  run(): void {
    const times = getArguments()[1] === "once" ? 1 : 6000;
    for (let i = 0; i < times; i++) {
      console.log(\`picked \${[...pick(10)].join()}.\`);
      if (times > 1) subscribeDuration(10_000_000n).block();
    }
  },
};
`,
};

/** Bytes of components that answer 10 and their number, by it. */
const pickers: Uint8Array[] = [];

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(built, path, ".."), { recursive: true });
    writeFileSync(join(built, path), text);
  }
  const tools = await wasmTools();
  for (let number = 0; number < 6; number++) pickers.push(await tools.parse(picker(number)));
  expect((await home.loop(built, "build")).said).toBe("");
}, 120_000);

let work: string;
let out: string;
beforeEach(() => {
  const folder = mkdtempSync(join(home.folder, "in-"));
  work = join(folder, "work");
  out = join(folder, "elsewhere/out");
  cpSync(built, work, { recursive: true });
  mkdirSync(out, { recursive: true });
  for (const [name, number] of [
    ["a", 1],
    ["b", 2],
  ] as const)
    writeFileSync(join(out, `${name}.wasm`), pickers[number]!);
});

const loop = (...words: string[]) => home.loop(work, ...words);
const digestOfFile = (path: string): string =>
  `sha256:${new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex")}`;

/** `loop dev` with a way to say what it tells from now on. */
const develop = async (...words: string[]) => {
  const child = home.spawn(work, "dev", "--json", ...words);
  const said = new Said(child.stdout);
  const next = async (event: string, from: number) => {
    const at = await said.line(new RegExp(`"event":"${event}"`), from);
    return JSON.parse(said.lines[at]!) as Record<string, unknown>;
  };
  return {
    said,
    next,
    picks: (wanted: string, from = said.lines.length) =>
      said.line(new RegExp(`"text":"picked ${wanted}[.]"`), from),
    /** What is told of an event after something was done. */
    async tells(event: string, work: () => unknown) {
      const from = said.lines.length;
      await work();
      return next(event, from);
    },
    /** What was told since a line, but for what the application wrote. */
    since: (from: number) =>
      said.lines
        .slice(from)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ event }) => event !== "log"),
    async stop() {
      child.kill("SIGINT");
      expect(await child.exited).toBe(0);
    },
  };
};

test("a file that a loop.toml names is swapped in, written in place, by renaming, behind a link and with its folder", async () => {
  const [file, target] = [join(out, "a.wasm"), join(out, "../target.wasm")];
  const dev = await develop();
  await dev.picks("11");
  const swaps = async (wanted: string, write: () => unknown) => {
    const swapped = await dev.tells("swapped", write);
    expect(swapped).toMatchObject({ place: "picks", identifier: file, digest: digestOfFile(file) });
    await dev.picks(wanted);
  };
  await swaps("12", () => writeFileSync(file, pickers[2]!));
  await swaps("13", () => {
    writeFileSync(`${file}.new`, pickers[3]!);
    renameSync(`${file}.new`, file);
  });
  await swaps("14", () => {
    writeFileSync(target, pickers[4]!);
    rmSync(file);
    symlinkSync("../target.wasm", file);
  });
  await swaps("15", () => writeFileSync(target, pickers[5]!));
  await swaps("11", () => {
    renameSync(out, `${out}-before`);
    mkdirSync(out);
    writeFileSync(file, pickers[1]!);
  });
  await swaps("12", () => writeFileSync(file, pickers[2]!));
  await dev.stop();
}, 120_000);

test("so is one that another terminal chose meanwhile, of several, and what was not changed stays", async () => {
  const dev = await develop();
  await dev.picks("11");
  expect((await loop("slot", "set", "picks", join(out, "b.wasm"), join(out, "a.wasm"))).code).toBe(0);
  await dev.picks("12,11");
  const swapped = await dev.tells("swapped", () => writeFileSync(join(out, "b.wasm"), pickers[3]!));
  expect(swapped.identifier).toBe(join(out, "b.wasm"));
  await dev.picks("13,11");
  // What was chosen was chosen once: another choice elsewhere brings no bytes back.
  expect((await loop("slot", "set", "picks", join(out, "a.wasm"), join(out, "b.wasm"))).code).toBe(0);
  await dev.picks("11,13");
  expect((await loop("slot", "set", "picks", join(out, "a.wasm"))).code).toBe(0);
  await dev.picks("11");
  // Nobody uses it any more.
  const from = dev.said.lines.length;
  writeFileSync(join(out, "b.wasm"), pickers[4]!);
  await dev.tells("swapped", () => writeFileSync(join(out, "a.wasm"), pickers[5]!));
  expect(dev.since(from).filter(({ event }) => event === "swapped").length).toBe(1);
  await dev.stop();
}, 120_000);

test("what cannot be read or does not fit leaves what runs alone, is told once, and is settled when it is gone", async () => {
  const file = join(out, "a.wasm");
  const dev = await develop();
  await dev.picks("11");
  const start = dev.said.lines.length;
  for (const [wrong, code] of [
    [() => writeFileSync(file, "no component"), /LK02/],
    [() => writeFileSync(file, readFileSync(join(work, "build/app.wasm"))), /LK0402/],
    [() => rmSync(file), /LK0101/],
  ] as const) {
    const failed = await dev.tells("not-swapped", wrong);
    expect([failed.place, code.test(`${failed.report}`)]).toEqual(["picks", true]);
    await dev.picks("11");
    expect(await dev.tells("settled", () => writeFileSync(file, pickers[1]!))).toMatchObject({
      place: "picks",
    });
  }
  const told = dev.since(start).map(({ event }) => event);
  expect(told).toEqual(["not-swapped", "settled", "not-swapped", "settled", "not-swapped", "settled"]);

  // What does not fit is not tried again before it is other bytes; what is right at last is swapped in.
  await dev.tells("not-swapped", () => writeFileSync(file, "no component"));
  const from = dev.said.lines.length;
  writeFileSync(file, "no component");
  writeFileSync(join(out, "other.wasm"), pickers[3]!);
  await dev.tells("swapped", () => writeFileSync(file, pickers[2]!));
  expect(dev.since(from).map(({ event }) => event)).toEqual(["swapped"]);
  await dev.picks("12");
  await dev.stop();
}, 120_000);

test("what happens in a slot of several is told once, of each filling by itself, whoever asked for it", async () => {
  const [a, b] = [join(out, "a.wasm"), join(out, "b.wasm")];
  const dev = await develop();
  await dev.picks("11");
  const start = dev.said.lines.length;
  const arranged = await dev.tells("arranged", () => loop("slot", "set", "picks", a, b));
  expect(arranged).toMatchObject({ place: "picks", fillings: [a, b], added: [b], removed: [] });
  await dev.picks("11,12");
  const failed = await dev.tells("not-swapped", () => writeFileSync(b, "no component"));
  expect(failed).toMatchObject({ identifier: b, awaited: true });
  // Another that comes settles nothing of the first.
  const from = dev.said.lines.length;
  expect(await dev.tells("swapped", () => writeFileSync(a, pickers[3]!))).toMatchObject({ identifier: a });
  await dev.picks("13,12", from);
  const settled = await dev.tells("settled", () => loop("slot", "set", "picks", a));
  expect(settled).toMatchObject({ place: "picks", identifier: b });
  await dev.picks("13", from);

  // What another terminal wants has no change before it, and is not awaited where it cannot be had.
  const programs: { pid: number; folder: string }[] = JSON.parse((await loop("ps", "--json")).out);
  const { pid } = programs.find(({ folder }) => folder === work)!;
  writeFileSync(b, pickers[4]!);
  const swapped = await dev.tells("swapped", () => loop("swap", `${pid}`, "picks", b));
  const parts = swapped.parts as { ms: number }[];
  expect(swapped.sinceChangeMs).toBe(parts.reduce((sum, { ms }) => sum + ms, 0));
  const bad = join(out, "bad.wasm");
  writeFileSync(bad, "no component");
  const refused = await dev.tells("not-swapped", () => loop("swap", `${pid}`, "picks", bad));
  expect(refused).toMatchObject({ identifier: bad, awaited: false });

  const told = dev.since(start).map(({ event }) => event);
  expect(told).toEqual([
    "arranged",
    "not-swapped",
    "swapped",
    "arranged",
    "settled",
    "swapped",
    "not-swapped",
  ]);
  // loop itself says nothing besides.
  expect(dev.said.lines.filter((line) => line.includes('"component":"loop"'))).toEqual([]);
  await dev.stop();
}, 120_000);

test("one that is rebuilt with all of its folders, as often as that is done, is what runs", async () => {
  const target = join(out, "target");
  const file = join(target, "wasm32/release/x.wasm");
  const rebuild = (number: number) => {
    rmSync(target, { recursive: true, force: true });
    mkdirSync(join(target, "wasm32/release"), { recursive: true });
    writeFileSync(file, pickers[number]!);
  };
  rebuild(1);
  const dev = await develop("--slot", `picks=${file}`);
  await dev.picks("11");
  for (let round = 2; round < 20; round++) {
    const from = dev.said.lines.length;
    rebuild(round % pickers.length);
    await dev.picks(`1${round % pickers.length}`, from);
  }
  await dev.stop();
}, 120_000);

test("what was granted to other bytes waits for the person", async () => {
  const file = join(out, "b.wasm");
  const dev = await develop();
  await dev.picks("11");
  const set = () => loop("slot", "set", "picks", file, `--dir=${work}::/work`);
  expect((await set()).code).toBe(0);
  await dev.picks("12");
  const failed = await dev.tells("not-swapped", () => writeFileSync(file, pickers[3]!));
  expect(`${failed.report}`).toMatch(/LK0701.*[\s\S]*loop slot set picks/);
  // Saved again as it is, it is tried again, and what was told is not told again.
  const again = dev.said.lines.length;
  writeFileSync(file, pickers[3]!);
  await dev.picks("12");
  expect(dev.since(again)).toEqual([]);
  expect((await dev.tells("swapped", set)).digest).toBe(digestOfFile(file));
  await dev.picks("13");
  // Nor has anybody to save again who says it of these bytes alone; and what is still refused is told of once.
  await dev.tells("not-swapped", () => writeFileSync(file, pickers[4]!));
  const from = dev.said.lines.length;
  expect((await loop("trust", "add", join(out, "a.wasm"))).said).toBe("");
  expect((await loop("trust", "add", file, `--dir=${work}::/work`)).said).toBe("");
  await dev.picks("14");
  expect(dev.since(from).map(({ event }) => event)).toEqual(["swapped"]);
  await dev.stop();
}, 120_000);

test("an application that lacks a person's word at its start begins when that is given", async () => {
  const file = join(out, "b.wasm");
  const manifest = readFileSync(join(work, "loop.toml"), "utf8");
  writeFileSync(
    join(work, "loop.toml"),
    manifest.replace("default =", `use = "${file}"\ngrants = ["--dir ./wit::/wit"]\ndefault =`),
  );
  const dev = await develop();
  expect(await dev.next("failed", 0)).toMatchObject({ name: "app", code: "LK0701" });
  expect((await loop("trust", "add", join(out, "a.wasm"))).said).toBe("");
  await Bun.sleep(1000);
  expect(dev.since(0).filter(({ event }) => event === "failed").length).toBe(1);
  expect((await loop("trust", "add", file, `--dir=${join(work, "wit")}::/wit`)).said).toBe("");
  await dev.picks("12", 0);
  expect(dev.since(0).filter(({ event }) => event === "started" || event === "ended").length).toBe(1);
  await dev.stop();
}, 120_000);

test("an application that has ended begins anew when such a file changes", async () => {
  const file = join(out, "a.wasm");
  const dev = await develop("--", "once");
  await dev.picks("11", 0);
  await dev.next("ended", 0);
  for (const [number, wanted] of [
    [2, "12"],
    [3, "13"],
  ] as const) {
    const from = dev.said.lines.length;
    writeFileSync(file, pickers[number]!);
    await dev.picks(wanted, from);
    await dev.next("ended", from);
  }
  // It has to be there.
  rmSync(file);
  await Bun.sleep(300);
  const from = dev.said.lines.length;
  writeFileSync(file, pickers[4]!);
  await soon(() => dev.said.lines.slice(from).some((line) => line.includes("picked 14.")));
  expect(dev.since(from).filter(({ event }) => event === "started").length).toBe(1);
  await dev.next("ended", from);
  // One with which it does not begin is looked at as well, and what ran has not gone on.
  expect(await dev.tells("failed", () => writeFileSync(file, "no component"))).toMatchObject({
    name: "app",
    ended: true,
  });
  const mended = dev.said.lines.length;
  writeFileSync(file, pickers[5]!);
  await dev.picks("15", mended);
  await dev.stop();
}, 120_000);
