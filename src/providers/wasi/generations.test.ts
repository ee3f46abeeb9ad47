import { afterEach, beforeAll, expect, test } from "bun:test";
import { ownCache } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import type { Load } from "../../host/live.ts";
import { type LinkedPlan, link } from "../../host/plan.ts";
import { verify } from "../../trust/verify.ts";
import { contextOf, upload } from "./fixture.ts";
import { buildGuest } from "./guest.ts";
import { http } from "./http.ts";
import { wasi } from "./index.ts";
import { type ServeOptions, type Server, serve } from "./serve.ts";
import { sockets } from "./sockets.ts";

// One component after the other behind one address: what each of them has, and what is left of it.

ownCache();
let plan: LinkedPlan;
beforeAll(async () => {
  plan = await link(verify("net.wasm", await buildGuest("net")), { providers: [wasi, sockets, http] });
}, 60_000);

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const start = async (options: Partial<ServeOptions> = {}) => {
  const server = await serve(plan, {
    hostname: "127.0.0.1",
    port: 0,
    reuse: true,
    contextOf: () => contextOf().context,
    report: () => {},
    ...options,
  });
  servers.push(server);
  const get = async (path: string) => (await fetch(`${server.url.slice(0, -1)}${path}`)).text();
  return { server, get };
};

/** The same component once more, as somebody else would bring it. */
const load: Load = async (phases) => {
  phases.enter("link");
  return { plan, start: () => plan.instantiate(contextOf().context) };
};

const eventually = async (holds: () => boolean, what: string): Promise<void> => {
  for (let tries = 0; tries < 1000; tries++) {
    if (holds()) return;
    await Bun.sleep(10);
  }
  throw new Error(`It never came true that ${what}`);
};

test("one that comes begins anew, and nothing is left of the one before", async () => {
  const { server, get } = await start();
  expect([await get("/count"), await get("/count")]).toEqual(["1", "2"]);
  const { state, generation, parts } = await server.place.swap(load);
  expect([state, generation]).toEqual(["none", 2]);
  expect(parts.map(({ phase }) => phase)).toEqual(["fetch", "link", "instantiate", "health", "exchange"]);
  expect([await get("/count"), server.instances]).toEqual(["1", 1]);
  expect(server.place.state).toMatchObject({ identifier: "net.wasm", generation: 2 });
});

test("trailers of a request that was begun before arrive, and so do those of its answer", async () => {
  const { server, get } = await start({ trailers: true });
  const { socket, closed } = upload(server.port, "/trailers");
  await eventually(() => server.pending === 1, "the request has begun");
  // Far longer than small bodies are waited for: it has its instance.
  await Bun.sleep(limits.serveAheadMsMax * 20);
  await server.place.swap(load);
  expect(await get("/hello")).toBe("Hello");
  expect(server.instances).toBe(2);
  socket.write("0\r\nx-mine: of the request\r\n\r\n");
  expect(await closed).toMatch(/\r\n0\r\nx-end: 5\r\n\r\n$/);
  await eventually(() => server.instances === 1, "the instance that answered it is gone");
});

test("where each request has its own, what lay ready of the one before is gone", async () => {
  const { server, get } = await start({ reuse: false });
  await get("/hello");
  await eventually(() => server.instances === limits.serveSparesMax, "fresh ones lie ready");
  await server.place.swap(load);
  await get("/hello");
  await eventually(() => server.instances === limits.serveSparesMax, "fresh ones of the next lie ready");
});

test("requests that do not end keep no more than a bound of what was before", async () => {
  const { server, get } = await start({ instancesMax: 2 });
  const held: ReturnType<typeof upload>[] = [];
  for (let count = 0; count < limits.serveGenerationsMax; count++) {
    const one = upload(server.port, "/echo");
    held.push(one);
    await eventually(() => one.seen().includes("hello"), "its answer has begun");
    await server.place.swap(load);
  }
  expect(server.instances).toBe(limits.serveGenerationsMax + 1);
  await expect(server.place.swap(load)).rejects.toMatchObject({ code: "LK0422" });
  // The newest has an instance all the same.
  expect(await get("/hello")).toBe("Hello");
  for (const { socket } of held) socket.write("0\r\n\r\n");
  for (const { closed } of held) expect(await closed).toEndWith("hello\r\n0\r\n\r\n");
  await eventually(() => server.instances === 1, "they are gone");
  await server.place.swap(load);
}, 30_000);

test("what fails is dropped, the one that serves goes on, and a stopped server takes nobody", async () => {
  const { server, get } = await start();
  expect(await get("/count")).toBe("1");
  let dropped = 0;
  const failing: Load = async () => ({
    plan,
    start: async () => {
      const { context } = contextOf();
      const made = await plan.instantiate({ ...context, onDrop: () => {} });
      const drop = made.drop.bind(made);
      made.drop = () => {
        dropped++;
        drop();
      };
      await server.stop();
      return made;
    },
  });
  await expect(
    server.place.swap(async () => {
      throw new Error("nothing here");
    }),
  ).rejects.toMatchObject({ code: "LK0422" });
  expect(await get("/count")).toBe("2");
  await expect(server.place.swap(failing)).rejects.toMatchObject({ code: "LK0422" });
  expect(dropped).toBe(1);
  expect(server.instances).toBe(0);
});
