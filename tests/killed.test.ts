// loop fetch and loop vendor, two at once in one workspace, killed at a hundred moments: what is in the store, in the lock
// and in the vendor folder is whole, and the next one goes on.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../src/base/digest.ts";
import { appendCustomSection } from "../src/contract/binary/sections.ts";
import { lockName, readLock } from "../src/resolve/lock.ts";
import { artifactOf, rightAnswer } from "../src/resolve/oci/fixture.ts";
import { Store } from "../src/resolve/store/store.ts";
import { homeFor } from "./home.ts";

const home = homeFor("killed");
const work = join(home.folder, "work");
const lock = join(work, lockName);
const vendor = join(work, "vendor");
const names = ["one", "two", "three", "four"];

let made = 0;
/** Another component each time: of two chunks where it is for a registry, so that it comes in parts. */
const component = (bytes: number): Uint8Array =>
  appendCustomSection(
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0),
    `number ${made++}`,
    new Uint8Array(bytes),
  );
/** What the registry has under its tag; what it had before stays under its digest. */
let artifact = artifactOf(component(9_000_000));
const blobs = new Map(artifact.blobs);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    const url = new URL(request.url);
    if (url.pathname.endsWith(".sig")) return new Response("", { status: 404 });
    if (!url.pathname.startsWith("/v2/")) return new Response(Buffer.from(component(50_000)));
    if (url.pathname.endsWith("/manifests/latest")) {
      artifact = artifactOf(component(9_000_000));
      for (const [digest, bytes] of artifact.blobs) blobs.set(digest, bytes);
    }
    return rightAnswer({ ...artifact, blobs }, request, url);
  },
});

beforeAll(() => {
  mkdirSync(work);
  const here = `127.0.0.1:${server.port}`;
  writeFileSync(
    join(work, "loop.toml"),
    [
      "[dependencies]",
      ...names.map((name) => `"acme:${name}" = "http://${here}/${name}.wasm"`),
      `"acme:large" = "oci://${here}/acme/large"`,
      "",
    ].join("\n"),
  );
});
afterAll(() => server.stop(true));

const store = new Store(join(home.folder, "cache/loop/store"));
const vendored = (): string[] => (existsSync(vendor) ? readdirSync(vendor) : []);

/** Everything that can be looked at is whole. What the lock does not name is removed, to have less to look at. */
const expectWhole = (): void => {
  expect(store.verify().damaged).toEqual([]);
  const digests = new Set([...readLock(lock).values()].map(({ digest }) => digest));
  for (const digest of digests) expect(store.has(digest)).toBe(true);
  for (const name of vendored().filter((one) => one.endsWith(".wasm")))
    expect(`${digestOf(readFileSync(join(vendor, name))).replace(":", "-")}.wasm`).toBe(name);
  for (const { digest } of store.list()) if (!digests.has(digest)) store.remove(digest);
};

const lockText = (): string => (existsSync(lock) ? readFileSync(lock, "utf8") : "");

test("fetch and vendor, killed at a hundred moments, leave nothing half-written, and lose nothing that was locked", async () => {
  // On a busy machine little is done before the kill, and a hundred moments of beginning would show nothing.
  let spanMs = 500;
  let [text, locked, changes] = ["", 0, 0];
  for (let round = 0; round < 34; round++) {
    const running = [["fetch", "--update"], ["fetch", "--update"], ["vendor"]].map((words) =>
      home.spawn(work, ...words),
    );
    await Promise.all(
      running.map(async (child) => {
        await Bun.sleep(Math.random() * spanMs);
        child.kill("SIGKILL");
        await child.exited;
      }),
    );
    expectWhole();
    const { size } = readLock(lock);
    expect(size).toBeGreaterThanOrEqual(locked);
    locked = size;
    if (lockText() === text) spanMs = Math.min(spanMs * 1.3, 3000);
    else changes++;
    text = lockText();
  }
  expect(changes).toBeGreaterThan(0);
  expect(await home.loop(work, "vendor")).toMatchObject({ said: "", code: 0 });
  expectWhole();
  expect(readLock(lock).size).toBe(names.length + 1);
  expect(vendored().length).toBe(names.length + 1);
  expect(readdirSync(work).sort()).toEqual([lockName, "loop.toml", "vendor"]);
}, 300_000);
