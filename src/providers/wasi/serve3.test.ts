import { afterEach, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { ownCache } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import { wat } from "../../builders/wat.ts";
import { completed } from "../../builders/wit.ts";
import { Chain } from "../../host/chain.ts";
import { type LinkedPlan, link } from "../../host/plan.ts";
import type { Provider } from "../../host/provider.ts";
import { verify } from "../../trust/verify.ts";
import { contextOf } from "./fixture.ts";
import { http3 } from "./http3.ts";
import { type ServeOptions, type Server, serve } from "./serve.ts";
import { wasi3 } from "./wasi3.ts";

// A guest that exports wasi:http/handler@0.3.0 as a server: it answers with the very stream that it got.

ownCache();

const planOf = async (name: string, more: readonly Provider[] = []): Promise<LinkedPlan> => {
  const folder = join(import.meta.dir, "guest", name);
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(folder, "world.wit"), "utf8")]]));
  const { component } = await wat.build({ folder, name, main: "main.wat", world: name, wit, settings: {} });
  return link(verify(`${name}.wasm`, component), { providers: [wasi3, http3, ...more] });
};

let plan: LinkedPlan;
beforeAll(async () => {
  plan = await planOf("echo");
}, 30_000);

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const start = async (options: Partial<ServeOptions> = {}, served = plan) => {
  const reports: string[] = [];
  const server = await serve(served, {
    hostname: "127.0.0.1",
    port: 0,
    reuse: true,
    contextOf: () => contextOf().context,
    report: (error) => void reports.push(String(error)),
    ...options,
  });
  servers.push(server);
  return { server, reports };
};

test("an instance that has done enough gives way to another", async () => {
  let made = 0;
  const { server } = await start({
    contextOf: () => {
      made++;
      return contextOf().context;
    },
  });
  for (let count = 0; count <= limits.asyncCallsMax; count++)
    expect(await (await fetch(server.url, { method: "POST", body: `${count}` })).text()).toBe(`${count}`);
  expect([made, server.instances]).toEqual([2, 1]);
}, 20_000);

const fill = (length: number) => new Uint8Array(length).map((_, at) => at % 251);

test("requests are answered by an instance that serves again, and by one of their own", async () => {
  for (const reuse of [true, false]) {
    const { server } = await start({ reuse });
    for (const text of ["one", "two", ""]) {
      const response = await fetch(server.url, { method: "POST", body: text });
      expect([response.status, await response.text()]).toEqual([200, text]);
    }
    expect((await fetch(server.url)).status).toBe(200);
    if (reuse) expect(server.instances).toBe(1);
  }
});

test("a long body streams through, whole", async () => {
  const { server } = await start();
  const sent = fill(3_000_000);
  const response = await fetch(server.url, { method: "POST", body: new Blob([sent]).stream() });
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), Buffer.from(sent))).toBe(0);
}, 20_000);

test("a trap is status 500, is reported, and the next request has another instance", async () => {
  const { server, reports } = await start();
  expect((await fetch(server.url, { method: "DELETE" })).status).toBe(500);
  expect(reports.some((text) => text.includes("trapped in wasi:http/handler"))).toBe(true);
  expect(await (await fetch(server.url, { method: "POST", body: "again" })).text()).toBe("again");
});

test("a client that goes away half-way holds nothing", async () => {
  const { server } = await start({ instancesMax: 1 });
  const socket = connect(server.port, "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nbeginning");
  await Bun.sleep(150);
  socket.destroy();
  // There is one instance, and it is free again.
  expect(await (await fetch(server.url, { method: "POST", body: "next" })).text()).toBe("next");
  for (let turn = 0; turn < 100 && server.pending > 0; turn++) await Bun.sleep(10);
  expect(server.pending).toBe(0);
}, 20_000);

test("a component passes requests on to another that fills its import, streams and all", async () => {
  const chain = new Chain({
    slot: "provider:wasi:http/handler",
    covers: (name) => name.startsWith("wasi:http/handler@"),
    imports: (await planOf("forward")).world.imports,
    rest: [],
    joins: () => [],
    requireFit: () => {},
    contextOf: () => contextOf().context,
  });
  chain.add(plan);
  const { server } = await start({}, await planOf("forward", [await chain.provider()]));
  const sent = fill(300_000);
  const response = await fetch(server.url, { method: "POST", body: sent });
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), Buffer.from(sent))).toBe(0);
}, 20_000);

test("a handler that nobody offers is denied, and its caller goes on", async () => {
  const { server, reports } = await start({}, await planOf("forward"));
  expect((await fetch(server.url)).status).toBe(500);
  expect(reports).toEqual([]);
}, 20_000);
