import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
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

test("whatever answers beside a component, the component comes, with a signature only where there may be one", async () => {
  const answers: Record<string, () => Response | Promise<Response>> = {
    none: () => new Response("", { status: 404 }),
    refused: () => new Response("", { status: 403 }),
    broken: () => new Response("", { status: 500 }),
    // A ring, and away from this machine.
    ring: () => Response.redirect("/ring.wasm.sig"),
    away: () => Response.redirect("http://registry.example/x.sig"),
    huge: () => new Response(new Uint8Array(limits.fetchedSignatureBytesMax + 1)),
    endless: () =>
      new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(1024)) })),
    silent: () => new Promise<Response>(() => {}),
    signed: () => new Response("signature"),
  };
  const host = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      const [, name = "", beside] = /^\/(\w+)\.wasm(\.sig)?$/.exec(new URL(url).pathname) ?? [];
      return beside ? answers[name]!() : new Response("one");
    },
  });
  for (const name of Object.keys(answers)) {
    const found = await httpFetcher.fetch(
      parseIdentifier(`http://127.0.0.1:${host.port}/${name}.wasm?a=b#sha256-${digestOf("one").slice(7)}`),
      { folder, bounds: { firstByteMs: 300 } },
    );
    expect(Buffer.from(found.bytes).toString()).toBe("one");
    expect(found.signature && Buffer.from(found.signature).toString()).toBe(
      name === "signed" ? "signature" : undefined,
    );
  }
  await host.stop(true);
});
