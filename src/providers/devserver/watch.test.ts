import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../../base/limits.ts";
import { scan } from "./graph.ts";
import { Lookout } from "./lookout.ts";
import { sightsOf } from "./sights.ts";
import { Watch } from "./watch.ts";

let folder: string;
let watch: Watch | undefined;
let wakes = 0;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-watch-")));
  wakes = 0;
});
afterEach(() => {
  watch?.close();
  watch = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const watching = (...folders: string[]) => {
  watch = new Watch(sightsOf(folders, [], []), () => wakes++);
};

const write = (path: string, text = "x"): void => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};

/** Waits until it woke so often, and then long enough for one more. */
const woken = async (times: number): Promise<number> => {
  for (let waited = 0; waited < 5000 && wakes < times; waited += 5) await Bun.sleep(5);
  await Bun.sleep(150);
  return wakes;
};

test("a file that is saved twice quickly, or by renaming, is one wake", async () => {
  write("src/a.ts");
  watching(folder);
  write("src/a.ts", "1");
  write("src/a.ts", "2");
  expect(await woken(1)).toBe(1);
  write("src/.a.ts.tmp", "3");
  renameSync(join(folder, "src/.a.ts.tmp"), join(folder, "src/a.ts"));
  expect(await woken(2)).toBe(2);
});

test("a file is seen to be another by whichever link or folder on its way is set anew", async () => {
  for (const version of [1, 2, 3]) write(`v${version}/lib/x.wasm`);
  symlinkSync("v1", join(folder, "current"));
  symlinkSync("current", join(folder, "result"));
  const look = () => {
    watch?.close();
    watch = new Watch(sightsOf([], [], [join(folder, "result/lib/x.wasm")]), () => wakes++);
  };
  const link = (target: string, name: string) => {
    symlinkSync(target, join(folder, `${name}.new`));
    renameSync(join(folder, `${name}.new`), join(folder, name));
  };
  for (const change of [
    () => write("v1/lib/x.wasm", "2"),
    () => link("v2", "current"),
    () => write("v2/lib/x.wasm", "2"),
    () => {
      renameSync(join(folder, "v2"), join(folder, "gone"));
      renameSync(join(folder, "v3"), join(folder, "v2"));
    },
    () => link("gone", "result"),
    () => write("gone/lib/x.wasm", "3"),
  ]) {
    look();
    const before = wakes;
    change();
    expect(await woken(before + 1)).toBeGreaterThan(before);
  }
  const links = sightsOf([], [], [join(folder, "a/b")]).length;
  symlinkSync("a", join(folder, "a"));
  expect(sightsOf([], [], [join(folder, "a/b")]).length).toBe(links);
});

test("a folder in the place of another is looked at, also where the system gives it the number of that one", async () => {
  const file = join(folder, "out/x.wasm");
  write("out/x.wasm");
  const lookout = new Lookout(folder, () => wakes++);
  try {
    /** Looks, and lets what this has to say be said. */
    const look = async () => {
      lookout.look({ members: [], inputsOf: () => [], placed: [file] });
      await Bun.sleep(limits.devSettleMsMax * 2);
    };
    await look();
    for (let round = 0; round < 5; round++) {
      const before = wakes;
      rmSync(join(folder, "out"), { recursive: true });
      mkdirSync(join(folder, "out"));
      expect(await woken(before + 1)).toBeGreaterThan(before);
      await look();
      const looked = wakes;
      writeFileSync(file, `${round}`);
      expect(await woken(looked + 1)).toBeGreaterThan(looked);
      await look();
    }
  } finally {
    lookout.close();
  }
}, 30_000);

test("hundreds of files at once are a few wakes", async () => {
  watching(folder);
  for (let i = 0; i < 300; i++) write(`src/${i % 20}/${i}.ts`);
  expect(await woken(1)).toBeLessThan(8);
});

test("a folder that is new, or was taken away and came again, is watched", async () => {
  write("src/a.ts");
  watching(folder);
  write("more/deep/b.ts");
  await woken(1);
  const before = wakes;
  write("more/deep/b.ts", "2");
  expect(await woken(before + 1)).toBeGreaterThan(before);
  rmSync(join(folder, "src"), { recursive: true });
  await woken(wakes + 1);
  const gone = wakes;
  write("src/a.ts", "again");
  expect(await woken(gone + 1)).toBeGreaterThan(gone);
});

test("what a build, an editor or a version control writes beside sources wakes nobody", async () => {
  for (const path of ["build/x.wasm", "generated/x.d.ts", ".git/index", "node_modules/a/b.js"]) write(path);
  watching(folder);
  for (const path of [
    "build/x.wasm",
    "generated/x.d.ts",
    ".git/index",
    "node_modules/a/b.js",
    "src~",
    ".#a.ts",
  ])
    write(path, "2");
  expect(await woken(1)).toBe(0);
}, 10_000);

test("where the system gives no more watches it looks at intervals", async () => {
  const exhausted = () => {
    throw Object.assign(new Error("no watches"), { code: "ENOSPC" });
  };
  write("src/a.ts");
  watch = new Watch(sightsOf([folder], [], []), () => wakes++, exhausted as never);
  expect([watch.how, wakes]).toEqual(["polling", 1]);
  write("src/a.ts", "2");
  expect(await woken(2)).toBe(2);
  write("build/a.wasm", "2");
  await Bun.sleep(limits.devPollMs * 2);
  expect(wakes).toBe(2);
  watch.close();
  write("src/a.ts", "3");
  await Bun.sleep(limits.devPollMs * 2);
  expect(wakes).toBe(2);
});

const manifest = (path: string, text: string) => write(join(path, "loop.toml"), text);
const component = (name: string) => `[component]\nname = "${name}"\n`;

test("a member that another's slot names is built first, and the folder's own component is the application", () => {
  manifest(
    ".",
    `${component("app")}[slots.style]\ncontract = "a:b/c@0.1.0"\ndefault = "./parts/z/build/z.wasm"\n[workspace]\nmembers = ["parts/*"]\n`,
  );
  manifest("parts/a", component("a"));
  manifest("parts/z", component("z"));
  const { members, application } = scan(folder);
  expect(members.map(({ name, uses }) => [name, uses])).toEqual([
    ["z", []],
    ["app", ["z"]],
    ["a", []],
  ]);
  expect(application).toBe("app");
});

test("members may lie in another repository, behind a link, and use each other in a ring", () => {
  const other = mkdtempSync(join(tmpdir(), "loop-other-"));
  try {
    mkdirSync(join(other, "far"));
    writeFileSync(
      join(other, "far/loop.toml"),
      `${component("far")}[slots.near]\nuse = "${folder}/near/build/near.wasm"\n`,
    );
    symlinkSync(other, join(folder, "link"));
    manifest("near", `${component("near")}[slots.far]\nuse = "../link/far/build/far.wasm"\n`);
    manifest(".", `[workspace]\nmembers = ["near", "link/far"]\n`);
    expect(
      scan(folder)
        .members.map(({ name }) => name)
        .sort(),
    ).toEqual(["far", "near"]);
    expect(scan(folder).application).toBeUndefined();
  } finally {
    rmSync(other, { recursive: true });
  }
});
