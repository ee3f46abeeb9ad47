import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { digestOf } from "../src/base/digest.ts";
import { parseIdentifier } from "../src/resolve/identifier.ts";
import { startRegistry } from "../src/resolve/oci/fixture.ts";
import { publish } from "../src/resolve/oci/publish.ts";
import { ociFetcher } from "../src/resolve/oci/pull.ts";
import { Store } from "../src/resolve/store/store.ts";
import { interleave, type Row, spawn, versus } from "./measure.ts";
import { helloComponent, withFolder } from "./peers.ts";

const megabytes = 50;

/** A component that is nothing but a custom section of noise, which nothing on the way can make smaller. */
const large = (): Uint8Array => {
  const content = megabytes * 1_000_000;
  const bytes = Buffer.alloc(8 + 6 + content);
  bytes.set([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0]);
  for (let at = 0; at < 5; at++) bytes[9 + at] = ((content >> (7 * at)) & 0x7f) | (at < 4 ? 0x80 : 0);
  for (let at = 14; at < bytes.length; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, bytes.length)));
  bytes.set([1, 0x78], 14);
  return bytes;
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
      return [
        ...(await warm(folder, env, registry.host, push)),
        ...(await cold(folder, env, registry.host, push)),
      ];
    } finally {
      await registry.stop();
    }
  });

type Push = (name: string, bytes: Uint8Array) => Promise<unknown>;
type Environment = Parameters<typeof helloComponent>[2];

const warm = async (folder: string, env: Environment, host: string, push: Push): Promise<Row[]> => {
  const hello = helloComponent("typescript", folder, env);
  await push("hello", await Bun.file(hello).bytes());
  const cwd = join(folder, "workspace");
  mkdirSync(cwd);
  writeFileSync(join(cwd, "loop.toml"), "[workspace]\nmembers = []\n");
  const identifier = `oci://${host}/bench/hello:1.0.0`;
  const options = { cwd, env: env as Record<string, string> };
  spawn([executable, "run", identifier], options);
  // Processor time: of two milliseconds in a hundred the clock tells nothing on a machine that does other things.
  const processor = (...words: string[]) => {
    const { exitCode, resourceUsage } = Bun.spawnSync([executable, ...words], options);
    if (exitCode !== 0) throw new Error(`loop ${words.join(" ")} ended with ${exitCode}`);
    return Number(resourceUsage.cpuTime.total) / 1000;
  };
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

const cold = async (folder: string, env: Environment, host: string, push: Push): Promise<Row[]> => {
  const bytes = large();
  await push("large", bytes);
  const identifier = `oci://${host}/bench/large:1.0.0`;
  const blob = `http://${host}/v2/bench/large/blobs/${digestOf(bytes)}`;
  const cache = join(folder, "cold");
  const home = { ...(env as Record<string, string>), XDG_CACHE_HOME: cache };
  const empty = () => rmSync(join(cache, "loop/store"), { recursive: true, force: true });
  const clock = async (work: () => unknown) => {
    const startMs = performance.now();
    await work();
    return performance.now() - startMs;
  };
  spawn([executable, "fetch", identifier], { cwd: folder, env: home });
  const medians = await interleave(
    [
      { name: "curl", once: () => spawn(["curl", "-sSf", "-o", join(folder, "blob"), blob]) },
      {
        name: "pull",
        once: () => {
          const store = new Store(join(folder, "store"));
          rmSync(store.folder, { recursive: true, force: true });
          return clock(() => ociFetcher.fetch(parseIdentifier(identifier), { folder, store }));
        },
      },
      {
        name: "loop fetch",
        once: () => {
          empty();
          return clock(() => spawn([executable, "fetch", identifier], { cwd: folder, env: home }));
        },
      },
    ],
    { rounds: 15, warm: 2 },
  );
  return [
    versus(`pull of ${megabytes} MB, checked, stored and synced`, medians, "pull", "curl", 1.5),
    versus(`loop fetch of ${megabytes} MB, the whole command`, medians, "loop fetch", "curl"),
  ];
};
