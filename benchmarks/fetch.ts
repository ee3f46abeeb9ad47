import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { digestOf } from "../src/base/digest.ts";
import { modulePreamble } from "../src/contract/binary/decode.ts";
import { leb } from "../src/contract/binary/sections.ts";
import { parseIdentifier } from "../src/resolve/identifier.ts";
import { startRegistry } from "../src/resolve/oci/fixture.ts";
import { publish } from "../src/resolve/oci/publish.ts";
import { ociFetcher } from "../src/resolve/oci/pull.ts";
import { Store } from "../src/resolve/store/store.ts";
import { interleave, medianOf, type Row, spawn, versus } from "./measure.ts";
import { helloComponent, withFolder } from "./peers.ts";

const megabytes = 50;

/**
 * A component that runs, with a core module of noise besides, which nothing on the way can make smaller: what a guest
 * with a language's runtime and its packages inside is like.
 */
const large = (component: Uint8Array): Uint8Array => {
  const data = new Uint8Array(megabytes * 1_000_000 - component.length);
  for (let at = 0; at < data.length; at += 65_536)
    crypto.getRandomValues(data.subarray(at, Math.min(at + 65_536, data.length)));
  // One passive segment, and the section that counts it.
  const segments = sectionOf(11, Uint8Array.of(1, 1), leb(data.length), data);
  const module = sectionOf(1, Uint8Array.from(modulePreamble), Uint8Array.of(12, 1, 1), segments);
  return Buffer.concat([component, module]);
};

const sectionOf = (id: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(id), leb(content.length), content]);
};

/**
 * What an identifier of a registry costs: nothing but reading, where lock and store hold it; and bringing it in,
 * against curl, which checks no digest and syncs nothing. Both from Debian's docker-registry on this machine.
 */
export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    const registry = await startRegistry(join(folder, "registry"));
    try {
      const published = { description: undefined, docs: undefined, source: undefined, force: false };
      const push = (name: string, bytes: Uint8Array) =>
        publish(
          {
            text: name,
            host: registry.host,
            repository: `bench/${name}`,
            tag: "1.0.0",
            digest: undefined,
          },
          { bytes, name, version: "1.0.0", created: "2026-01-01T00:00:00Z", ...published },
          { folder },
        );
      const hello = helloComponent("typescript", folder, env);
      return [
        ...(await warm(folder, env, registry.host, hello, push)),
        ...(await cold(folder, env, registry.host, hello, push)),
      ];
    } finally {
      await registry.stop();
    }
  });

type Push = (name: string, bytes: Uint8Array) => Promise<unknown>;
type Environment = Parameters<typeof helloComponent>[2];

const ranLoop = (words: readonly string[], options: { cwd: string; env: Record<string, string> }) => {
  const ended = Bun.spawnSync([executable, ...words], options);
  if (ended.exitCode !== 0) throw new Error(`loop ${words.join(" ")} ended with ${ended.exitCode}`);
  return ended;
};

const warm = async (
  folder: string,
  env: Environment,
  host: string,
  hello: string,
  push: Push,
): Promise<Row[]> => {
  await push("hello", await Bun.file(hello).bytes());
  const cwd = join(folder, "workspace");
  mkdirSync(cwd);
  writeFileSync(join(cwd, "loop.toml"), "[workspace]\nmembers = []\n");
  const identifier = `oci://${host}/bench/hello:1.0.0`;
  const options = { cwd, env: env as Record<string, string> };
  spawn([executable, "run", identifier], options);
  // Processor time: of two milliseconds in a hundred the clock tells nothing on a machine that does other things.
  const processor = (...words: string[]) =>
    Number(ranLoop(words, options).resourceUsage.cpuTime.total) / 1000;
  const medians = await interleave(
    [
      { name: "a file", once: () => processor("run", hello) },
      {
        name: "locked and stored",
        once: () => processor("--offline", "--locked", "run", identifier),
      },
    ],
    { rounds: 60, warm: 5 },
  );
  const [file, stored] = [medians.get("a file")!, medians.get("locked and stored")!];
  return [
    {
      work: "loop run of a registry's identifier, lock and store warm, processor time",
      median: stored,
      unit: "ms",
      against: { name: "loop run of a file", median: file },
      ratio: stored / file,
      target: { text: `at most 2 ms more (${(stored - file).toFixed(1)} ms)`, met: stored - file <= 2 },
    },
  ];
};

const cold = async (
  folder: string,
  env: Environment,
  host: string,
  hello: string,
  push: Push,
): Promise<Row[]> => {
  const bytes = large(await Bun.file(hello).bytes());
  await push("large", bytes);
  const identifier = `oci://${host}/bench/large:1.0.0`;
  const blob = `http://${host}/v2/bench/large/blobs/${digestOf(bytes)}`;
  const cache = join(folder, "cold");
  const home = { ...(env as Record<string, string>), XDG_CACHE_HOME: cache };
  const parts = new Map<string, number[]>();
  const fetchWhole = () => {
    rmSync(join(cache, "loop/store"), { recursive: true, force: true });
    const startMs = performance.now();
    const said = ranLoop(["--timings", "fetch", identifier], { cwd: folder, env: home }).stderr.toString();
    const wholeMs = performance.now() - startMs;
    for (const [, ms, name] of said.matchAll(/^ *([\d.]+) ms +(\S+)$/gm))
      parts.set(name!, [...(parts.get(name!) ?? []), Number(ms)]);
    return wholeMs;
  };
  const pullOnce = async () => {
    const store = new Store(join(folder, "store"));
    rmSync(store.folder, { recursive: true, force: true });
    const startMs = performance.now();
    await ociFetcher.fetch(parseIdentifier(identifier), { folder, store });
    return performance.now() - startMs;
  };
  const medians = await interleave(
    [
      { name: "curl", once: () => void spawn(["curl", "-sSf", "-o", join(folder, "blob"), blob]) },
      { name: "pull", once: pullOnce },
      { name: "loop fetch", once: fetchWhole },
    ],
    { rounds: 15, warm: 2 },
  );
  const whole = { name: "loop fetch", median: medians.get("loop fetch")! };
  return [
    versus(`pull of ${megabytes} MB, checked, stored and synced`, medians, "pull", "curl", 1.5),
    versus(`loop fetch of ${megabytes} MB, the whole command`, medians, "loop fetch", "curl"),
    ...["instantiate", "pull", "describe", "validate"].map((name): Row => {
      const median = medianOf(parts.get(name) ?? []);
      return { work: `of that: ${name}`, median, unit: "ms", against: whole, ratio: median / whole.median };
    }),
  ];
};
