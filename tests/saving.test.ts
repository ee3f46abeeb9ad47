// What is saved in the ways of editors, version control, other programs and bad luck, while `loop dev` runs a server: what
// it answers is what is on disk, and nothing is built that need not be.
import { beforeEach, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { homeFor, root, Said, soon } from "./home.ts";

const home = homeFor("saving");
const hello = readFileSync(join(root, "benchmarks/http/src/main.wat"), "utf8");
const sourceOf = (word: string) => hello.replace("Hello, world\\n", word.padEnd(12, ".").concat("\\n"));
const answerOf = (word: string) => `${word.padEnd(12, ".")}\n`;

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(home.folder, "in-")), "api");
  cpSync(join(root, "benchmarks/http"), folder, { recursive: true });
});

const until = (what: string, holds: () => boolean | Promise<boolean>, told = () => "") =>
  soon(holds, () => `It never came true that ${what}. ${told()}`);

/** `loop dev` of a folder, and what it tells. */
const develop = async (where = folder) => {
  const child = home.spawn(where, "dev", "--json", "--addr", "127.0.0.1:0");
  const [out, err] = [new Said(child.stdout), new Said(child.stderr)];
  const events = () => out.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const of = (name: string) => events().filter(({ event }) => event === name);
  const url = () => of("log").map(({ text }) => /http:\S+/.exec(`${text}`)?.[0])[0];
  const answer = async () => (await fetch(url()!)).text();
  await until(
    "it serves",
    () => url() !== undefined,
    () => err.text,
  );
  return {
    of,
    answer,
    /** Waits until it answers with a word, which is what is on disk then. */
    async answers(word: string, component = join(folder, "build/hello-http.wasm")) {
      await until(`it answers ${word}`, async () => (await answer()) === answerOf(word));
      const digest = new Bun.CryptoHasher("sha256").update(readFileSync(component)).digest("hex");
      const running = events().findLast(({ event }) => event === "swapped" || event === "started");
      expect(running!.digest).toBe(`sha256:${digest}`);
    },
    /** Waits until another of an event was told since `work` began. */
    async tells(name: string, work: () => void | Promise<void>) {
      const before = of(name).length;
      await work();
      await until(`${name} was told`, () => of(name).length > before);
      return of(name).at(-1)!;
    },
    async stop() {
      child.kill("SIGINT");
      expect(await child.exited).toBe(0);
    },
  };
};

const source = () => join(folder, "src/main.wat");
const save = (word: string) => writeFileSync(source(), sourceOf(word));
/** As editors do that leave no half-written file. */
const saveByRenaming = (word: string) => {
  writeFileSync(join(folder, "src/.main.wat.new"), sourceOf(word));
  renameSync(join(folder, "src/.main.wat.new"), source());
};

test("files that are written by renaming, again and again and quickly", async () => {
  const dev = await develop();
  for (let count = 0; count < 20; count++) saveByRenaming(`r${count}`);
  await dev.answers("r19");
  for (let count = 0; count < 3; count++) {
    saveByRenaming(`s${count}`);
    await dev.answers(`s${count}`);
  }
  await dev.stop();
}, 120_000);

test("a file of the same size and an older time is another", async () => {
  const dev = await develop();
  const { atime, mtime } = statSync(source());
  for (const word of ["one", "two"]) {
    writeFileSync(join(folder, "new.wat"), sourceOf(word));
    utimesSync(join(folder, "new.wat"), atime, mtime);
    renameSync(join(folder, "new.wat"), source());
    await dev.answers(word);
  }
  await dev.stop();
}, 120_000);

test("sources behind a link to a folder, and a file that is a link", async () => {
  const elsewhere = join(folder, "../elsewhere");
  renameSync(join(folder, "src"), elsewhere);
  symlinkSync(elsewhere, join(folder, "src"));
  const dev = await develop();
  writeFileSync(join(elsewhere, "main.wat"), sourceOf("linked"));
  await dev.answers("linked");
  mkdirSync(join(folder, "../far"));
  renameSync(join(elsewhere, "main.wat"), join(folder, "../far/main.wat"));
  symlinkSync("../far/main.wat", join(elsewhere, "main.wat"));
  writeFileSync(join(folder, "../far/main.wat"), sourceOf("far"));
  await dev.answers("far");
  writeFileSync(join(folder, "../far/main.wat"), sourceOf("farther"));
  await dev.answers("farther");
  await dev.stop();
}, 120_000);

test("a folder that is moved away and comes back, and one that is deleted and made anew", async () => {
  const dev = await develop();
  await dev.answers("Hello, world");
  await dev.tells("failed", () => renameSync(folder, `${folder}-away`));
  expect(await dev.answer()).toBe(answerOf("Hello, world"));
  await dev.tells("mended", () => renameSync(`${folder}-away`, folder));
  save("back");
  await dev.answers("back");
  cpSync(folder, `${folder}-copy`, { recursive: true });
  await dev.tells("failed", () => rmSync(folder, { recursive: true }));
  await Bun.sleep(1000);
  const told = dev.of("failed").length;
  await Bun.sleep(300);
  expect(dev.of("failed").length).toBe(told);
  cpSync(`${folder}-copy`, folder, { recursive: true });
  save("anew");
  await dev.answers("anew");
  save("again");
  await dev.answers("again");
  await dev.stop();
}, 120_000);

test("members go and come back, in a workspace that is no component itself", async () => {
  const workspace = join(folder, "..");
  writeFileSync(join(workspace, "loop.toml"), '[workspace]\nmembers = ["api", "parts/*"]\n');
  const part = (name: string) => {
    cpSync(join(root, "benchmarks/http"), join(workspace, "parts", name), { recursive: true });
    const manifest = join(workspace, "parts", name, "loop.toml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("hello-http", name));
  };
  part("a");
  const child = home.spawn(workspace, "dev", "--json");
  const out = new Said(child.stdout);
  const last = () => out.lines.findLast((line) => line.includes('"watching"')) ?? "";
  await until("a is built", () => out.text.includes('"built","name":"a"'));
  rmSync(join(workspace, "parts/a"), { recursive: true });
  await until("a is gone", () => last().includes('"members":["hello-http"]'));
  part("a");
  await until("a is back", () => last().includes('"hello-http","a"'));
  part("b");
  await until("b is there", () => last().includes('"hello-http","a","b"'));
  writeFileSync(join(workspace, "loop.toml"), '[workspace]\nmembers = ["api"]\n');
  await until("the workspace says it", () => last().includes('"members":["hello-http"]'));
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
}, 120_000);

test("two thousand files that are touched build nothing", async () => {
  for (let count = 0; count < 2000; count++) {
    mkdirSync(join(folder, `assets/${count % 40}`), { recursive: true });
    writeFileSync(join(folder, `assets/${count % 40}/${count}.txt`), "x");
  }
  const dev = await develop();
  save("before");
  await dev.answers("before");
  const builds = dev.of("built").length;
  for (let count = 0; count < 2000; count++)
    writeFileSync(join(folder, `assets/${count % 40}/${count}.txt`), "y");
  utimesSync(join(folder, "loop.toml"), new Date(), new Date());
  await Bun.sleep(1000);
  // What was saved within a tick of the clock of its build is built once more.
  expect(dev.of("built").length).toBeLessThanOrEqual(builds + 1);
  expect(dev.of("swapped").length).toBe(1);
  save("after");
  await dev.answers("after");
  await dev.stop();
}, 120_000);

test("a result that cannot be written, and a source that cannot be read, leave what runs alone", async () => {
  const dev = await develop();
  rmSync(join(folder, "build"), { recursive: true });
  writeFileSync(join(folder, "build"), "in the way");
  expect(await dev.tells("failed", () => save("full"))).toMatchObject({ code: "LK0006" });
  expect(await dev.answer()).toBe(answerOf("Hello, world"));
  rmSync(join(folder, "build"));
  save("room");
  await dev.answers("room");
  await dev.tells("failed", () => {
    rmSync(source());
    symlinkSync("nowhere", source());
  });
  expect(await dev.answer()).toBe(answerOf("room"));
  rmSync(source());
  save("readable");
  await dev.answers("readable");
  await dev.stop();
}, 120_000);

test("two sessions in one folder, and builds beside them, end with what is on disk", async () => {
  const [one, two] = [await develop(), await develop()];
  for (let count = 0; count < 5; count++) {
    save(`both ${count}`);
    const beside = home.spawn(folder, "build");
    await Promise.all([one.answers(`both ${count}`), two.answers(`both ${count}`)]);
    expect(await beside.exited).toBe(0);
  }
  await Bun.sleep(500);
  const builds = () => one.of("built").length + two.of("built").length;
  const before = builds();
  await Bun.sleep(1000);
  expect(builds()).toBe(before);
  await Promise.all([one.stop(), two.stop()]);
}, 120_000);
