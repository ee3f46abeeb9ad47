import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import type { Fetcher } from "./fetch.ts";
import { parseIdentifier } from "./identifier.ts";
import { Remote } from "./remote.ts";
import { Store } from "./store/store.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-remote-"));
const cache = process.env.XDG_CACHE_HOME;
process.env.XDG_CACHE_HOME = folder;
afterAll(() => {
  if (cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cache;
  rmSync(folder, { recursive: true });
});

const bytes = new TextEncoder().encode("bytes of a component");
const digest = digestOf(bytes);
const fetcher: Fetcher = {
  scheme: "https",
  remote: true,
  fetch: async ({ text }) => ({
    bytes,
    locator: { identifier: text, scheme: "https", place: text, digest },
  }),
};

test("bytes from elsewhere are validated once for each digest, before they are stored", async () => {
  const validated: [string, boolean][] = [];
  const store = new Store();
  const open = () =>
    new Remote({
      lockPath: undefined,
      policy: { offline: false, locked: false, allowHttp: false },
      describe: async () => ({ signers: [], imports: [], exports: [] }),
      validate: async (identifier) => void validated.push([identifier, store.has(digest)]),
      store,
    });
  for (const name of ["a", "a", "b"])
    await open().update(parseIdentifier(`https://a.test/${name}.wasm`), fetcher, { folder });
  expect(validated).toEqual([["https://a.test/a.wasm", false]]);
  expect(store.has(digest)).toBe(true);
});

test("what a killed process stored and named nothing by is validated by the next", async () => {
  const store = new Store(join(folder, "killed"));
  await store.put(bytes, digest);
  const validated: string[] = [];
  const remote = new Remote({
    lockPath: undefined,
    policy: { offline: false, locked: false, allowHttp: false },
    describe: async () => ({ signers: [], imports: [], exports: [] }),
    validate: async (identifier) => void validated.push(identifier),
    store,
  });
  for (const name of ["a", "b"])
    await remote.fetch(parseIdentifier(`https://a.test/${name}.wasm`), fetcher, { folder });
  expect(validated).toEqual(["https://a.test/a.wasm"]);
});
