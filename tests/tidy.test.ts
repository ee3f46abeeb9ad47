// The repository checks itself: what the design promises about layout, words, sizes and the direction of imports
// is read from the files here. Owns those rules; refuses exceptions without a reason beside them; run by bun test.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { codes } from "../src/base/codes.ts";

const root = join(import.meta.dir, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Tracked files and those that would be: ignored ones are nobody's business. Deleted ones are gone. */
const tracked: readonly string[] = Bun.spawnSync(
  ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
  { cwd: root },
)
  .stdout.toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)))
  .sort();

const sources = tracked.filter((path) => path.startsWith("src/") && /\.(ts|js)$/.test(path));
const hostSources = sources.filter((path) => !path.startsWith("src/commands/"));
/** Files whose words and lines are ours: no lockfile, no licence, no vendored WIT, no golden. */
const written = tracked.filter(
  (path) =>
    /\.(ts|js|mjs|md|json|toml|wit|wat|c|h)$|(^|\/)(cmd|run)$/.test(path) &&
    !/^(package-lock\.json|licenses\/|wit\/wasi-)/.test(path),
);

const importsOf = (path: string): string[] =>
  new Bun.Transpiler({ loader: path.endsWith(".ts") ? "ts" : "js" })
    .scanImports(read(path))
    .map((found) => found.path)
    // A test may hold such a line as text that it expects.
    .concat(path.endsWith(".test.ts") ? [] : typeImports(read(path)));

/** The transpiler forgets imports of types alone, and those have a direction too. */
const typeImports = (text: string): string[] =>
  [
    ...text.matchAll(
      /^(?:import|export) type [^;]*? from "([^"]+)";|(?:typeof |: |<|as )import\("([^"]+)"\)/gm,
    ),
  ].map((match) => (match[1] ?? match[2])!);

/** Where a relative import leads: a path from the root. */
const target = (from: string, specifier: string): string | undefined =>
  specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(from), specifier)) : undefined;

test("a folder imports only folders below it", () => {
  const order = "main app commands providers builders packers slots host trust resolve contract effects base";
  const ranks = new Map(order.split(" ").map((name, rank) => [name, rank]));
  const layerOf = (path: string) => path.split("/")[1]!.replace(/\.ts$/, "");
  const wrong: string[] = [];
  for (const from of hostSources)
    for (const to of importsOf(from).map((one) => target(from, one))) {
      if (!to?.startsWith("src/")) continue;
      const [mine, its] = [ranks.get(layerOf(from)), ranks.get(layerOf(to))];
      if (mine === undefined || its === undefined) wrong.push(`${from}: no layer of that name is known`);
      else if (its < mine) wrong.push(`${from} imports ${to}`);
    }
  expect(wrong).toEqual([]);
});

test("siblings among providers, builders and packers do not import each other", () => {
  const wrong: string[] = [];
  for (const from of hostSources) {
    const [, layer, mine] = from.split("/");
    // A file straight in the folder is the contract that all siblings share.
    if (!["providers", "builders", "packers"].includes(layer!) || from.split("/").length < 4) continue;
    for (const to of importsOf(from).map((one) => target(from, one))) {
      const [, itsLayer, its, deeper] = to?.split("/") ?? [];
      if (itsLayer === layer && deeper !== undefined && its !== mine) wrong.push(`${from} imports ${to}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("commands are guests and import no host file", () => {
  const wrong = sources
    .filter((path) => path.startsWith("src/commands/"))
    .flatMap((from) =>
      importsOf(from)
        .filter((one) =>
          target(from, one) ? !target(from, one)!.startsWith("src/commands/") : !/^loop:|^wasi:/.test(one),
        )
        .map((one) => `${from} imports ${one}`),
    );
  expect(wrong).toEqual([]);
});

test("only main.ts prints or exits", () => {
  const wrong = hostSources
    .filter((path) => path !== "src/main.ts" && !path.endsWith(".test.ts") && !isGuest(path))
    .filter((path) => /\bprocess\.exit(Code)?\b|\bconsole\.\w+\(/.test(withoutComments(read(path))));
  expect(wrong).toEqual([]);
});

/** Code that builders put into components; it runs there. */
const isGuest = (path: string): boolean => path.includes("/guest/");

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");

test("files are single lowercase words, and none is a drawer for anything", () => {
  const drawers = /^(utils?|common|helpers?|managers?|misc|shared|lib|types)$/;
  const wrong = tracked
    .filter((path) => /^(src|scripts|benchmarks|tests)\/.*\.(ts|js|mjs)$/.test(path))
    .filter((path) => !path.endsWith(".d.ts"))
    .filter((path) => {
      const name = basename(path).replace(/(\.test|\.guest)?\.(ts|js|mjs)$/, "");
      return !/^[a-z][a-z0-9]*$/.test(name) || drawers.test(name);
    });
  expect(wrong).toEqual([]);
});

test("every source file is reached from somewhere", () => {
  const entries = ["src/main.ts", ...testPreloads(), ...scriptEntries()];
  const all = tracked.filter((path) => /^(src|scripts|benchmarks|tests)\/.*\.(ts|js|mjs)$/.test(path));
  const files = new Set(all);
  const reached = new Set<string>();
  const queue = all.filter(
    (path) =>
      entries.includes(path) ||
      path.endsWith(".test.ts") ||
      path.endsWith(".d.ts") ||
      /^benchmarks\//.test(path) ||
      /^src\/commands\/[^/]+\/src\/main\.ts$/.test(path) ||
      /^tests\/(cli|fixtures)\//.test(path),
  );
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const one of importsOf(path)) {
      const to = target(path, one);
      if (to && files.has(to)) queue.push(to);
    }
    // Code for guests is carried by its path, not imported.
    for (const named of read(path).matchAll(/"((?:[a-z]+\/)*[a-z.]+\.guest\.js)"/g))
      queue.push(...all.filter((candidate) => candidate.endsWith(`/${named[1]!.split("/").at(-1)}`)));
  }
  const unreached = all.filter((path) => !reached.has(path) && !isGuest(path));
  expect(unreached).toEqual([]);
});

/** What package.json runs, or a person by hand. */
/** What bunfig.toml loads before any test. */
const testPreloads = (): string[] =>
  [...read("bunfig.toml").matchAll(/"\.\/(tests\/[^"]+)"/g)].map((match) => match[1]!);

const scriptEntries = (): string[] =>
  Object.values(JSON.parse(read("package.json")).scripts as Record<string, string>)
    .flatMap((line) => line.split(" "))
    .filter((word) => word.startsWith("scripts/") || word.startsWith("benchmarks/"))
    .concat(tracked.filter((path) => path.endsWith(".ts") && read(path).includes(`bun ${path}`)));

test("a file past 500 lines should be two, a table of cases excepted", () => {
  const wrong = tracked
    .filter(
      (path) => /^(src|scripts|benchmarks|tests)\/.*\.(ts|js|mjs)$/.test(path) && !path.endsWith(".d.ts"),
    )
    .filter((path) => read(path).split("\n").length > (path.endsWith(".test.ts") ? 1000 : 500));
  expect(wrong).toEqual([]);
});

test("every code has its paragraph and its use, and no paragraph stands alone", () => {
  const described = new Set([...read("knowledge/errors.md").matchAll(/^#+ (LK\d{4})\b/gm)].map((m) => m[1]!));
  const known = Object.keys(codes);
  expect(known.filter((code) => !described.has(code))).toEqual([]);
  expect([...described].filter((code) => !known.includes(code))).toEqual([]);
  const uses = sources
    .filter((path) => path !== "src/base/codes.ts" && !path.endsWith(".test.ts"))
    .map(read)
    .join("\n");
  expect(known.filter((code) => !uses.includes(`"${code}"`))).toEqual([]);
});

test("headings of codes say what the code says", () => {
  const wrong = [...read("knowledge/errors.md").matchAll(/^#+ (LK\d{4})[ :·—-]+(.*)$/gm)]
    .filter(([, code, title]) => codes[code as keyof typeof codes] !== title)
    .map(([line]) => line);
  expect(wrong).toEqual([]);
});

test("the README's tour is a case that runs", () => {
  const tour = read("tests/cli/tour/cmd");
  const blocks = [...read("README.md").matchAll(/^```\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  const lines = blocks.flatMap((block) => block.split("\n")).filter((line) => line.startsWith("loop "));
  // Long output is looked at through a pipe.
  const known = tour.split("\n").map((line) => line.replace(/^sh (loop [^|>]*?) *[|>].*$/, "$1"));
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => !known.includes(line))).toEqual([]);
});

test("nothing is left for later", () => {
  const marks = new RegExp(["TO", "DO|FIX", "ME|X", "XX|HA", "CK"].join(""));
  const wrong = written.filter((path) => marks.test(read(path)));
  expect(wrong).toEqual([]);
});

test("each folder of src says what it owns, what it refuses and who calls it", () => {
  // One file speaks for a folder: one in it, or the one beside it that has its name.
  const folders = [...new Set(hostSources.filter((path) => !isGuest(path)).map((path) => dirname(path)))];
  const speaks = (path: string): boolean => {
    const head = /^(\/\/.*\n){2,}/.exec(read(path))?.[0].replace(/\n\/\/ /g, " ") ?? "";
    return /\brefuses?\b/i.test(head) && /\b(called|used|listed|read|run) (by|in)\b/i.test(head);
  };
  const wrong = folders
    .filter((folder) => !["src", "src/base"].includes(folder))
    .filter(
      (folder) =>
        !hostSources.some((path) => (dirname(path) === folder || path === `${folder}.ts`) && speaks(path)),
    );
  expect(wrong).toEqual([]);
});

test("no file names this machine or a registry's host", () => {
  const hosts = new RegExp(
    ["registry", "npmjs", "(org|com)"].join("\\.").replace("npmjs", "(npmjs|yarnpkg)"),
  );
  const places =
    /(?<![\w.])\/(root|home\/(?!(a|me|you)\b)[a-z]+|Users\/[a-z]+|work\/(main|shared|\.))(?=[/"'\s])/;
  const wrong = written
    .filter((path) => path !== "tests/tidy.test.ts")
    .concat("package-lock.json", ".npmrc")
    .filter((path) => hosts.test(read(path)) || places.test(read(path)));
  expect(wrong).toEqual([]);
});

test("the lockfile names no host", () => {
  expect([...read("package-lock.json").matchAll(/"resolved": .*/g)].map(([line]) => line)).toEqual([]);
});

test("dependencies are pinned exactly", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  const wrong = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version as string),
  );
  expect(wrong).toEqual([]);
});

test("no tracked file is larger than a megabyte", () => {
  expect(tracked.filter((path) => statSync(join(root, path)).size > 1024 * 1024)).toEqual([]);
});

/** A word that the lexicon or our taste replaces, and by what; WASI's own names (`is-directory`) are WASI's. */
const banned: readonly (readonly [RegExp, string])[] = [
  [/\bbehaviou?ral\b/i, "what it does"],
  [/\b(simply|easily|obviously|seamless(?:ly)?|robust(?:ly)?|leverag\w+|utiliz\w+)\b/i, "the plain sentence"],
  [/\bblacklist|whitelist\b/i, "deny, allow"],
  [/\bsanity\b/i, "check"],
  [/\bas any[;,)\].]|\w\)?\??: any[;,)=\]>]|@ts-ignore|@ts-nocheck/, "the real type, or unknown"],
  [/(?<![-"'])\bdirector(?:y|ies)\b/i, "folder"],
];

test("banned words have a replacement", () => {
  const ours = written.filter((path) =>
    /^(src|scripts|tests|benchmarks|templates|examples)\/.*\.(ts|js|toml)$|\.md$/.test(path),
  );
  const found: string[] = [];
  for (const path of ours.filter(
    (one) => one !== "tests/tidy.test.ts" && !one.startsWith("knowledge/lexicon"),
  ))
    for (const [at, line] of read(path).split("\n").entries())
      for (const [word, instead] of banned)
        if (word.test(line)) found.push(`${path}:${at + 1}: ${word.exec(line)![0]} → ${instead}`);
  expect(found).toEqual([]);
});
