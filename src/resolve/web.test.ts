import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { parseIdentifier } from "./identifier.ts";
import { openPolicy } from "./policy.ts";
import { Remote } from "./remote.ts";
import { Store } from "./store/store.ts";
import { httpFetcher } from "./web.ts";

let folder = "";
let body = Buffer.from("one");
let statuses: number[] = [];
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) => {
    if (new URL(request.url).pathname.endsWith(".sig")) return new Response("", { status: 404 });
    const etag = `"${body}"`;
    const same = request.headers.get("if-none-match") === etag;
    statuses.push(same ? 304 : 200);
    return same ? new Response(null, { status: 304 }) : new Response(body, { headers: { etag } });
  },
});
const address = `http://127.0.0.1:${server.port}/x.wasm`;
afterAll(() => server.stop(true));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-web-"));
  body = Buffer.from("one");
  statuses = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const remote = () =>
  new Remote({
    lockPath: undefined,
    policy: openPolicy,
    store: new Store(join(folder, "store")),
    validate: async () => {},
    describe: async () => ({ signers: [], imports: [], exports: [] }),
  });
const fetched = async (text = address) =>
  Buffer.from((await remote().fetch(parseIdentifier(text), httpFetcher, { folder })).bytes).toString();

test("what has not changed is not sent again, and what has is", async () => {
  expect(await fetched()).toBe("one");
  expect(await fetched()).toBe("one");
  body = Buffer.from("two");
  expect(await fetched()).toBe("two");
  expect(await fetched()).toBe("two");
  expect(statuses).toEqual([200, 304, 200, 304]);
});

test("where the store has lost it, it is fetched anew", async () => {
  await fetched();
  writeFileSync(new Store(join(folder, "store")).path(digestOf("one")), "damaged");
  expect(await fetched()).toBe("one");
  expect(statuses).toEqual([200, 200]);
});

test("an address that pins its content is asked once, and refused where it gives something else", async () => {
  const hex = digestOf("one").slice("sha256:".length);
  const base64 = Buffer.from(hex, "hex").toString("base64");
  for (const pin of [hex, base64]) {
    expect(await fetched(`${address}#sha256-${pin}`)).toBe("one");
    expect(await fetched(`${address}#sha256-${pin}`)).toBe("one");
  }
  expect(statuses).toEqual([200]);
  const other = `${address}#sha256-${"0".repeat(64)}`;
  const error = await fetched(other).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Fault);
  expect((error as Fault).code).toBe("LK0105");
  expect((error as Fault).hint).toContain(`#sha256-${hex}`);
});
