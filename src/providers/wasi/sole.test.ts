import { afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { ownCache } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import { wat } from "../../builders/wat.ts";
import { completed } from "../../builders/wit.ts";
import type { Migrate } from "../../host/handover.ts";
import type { Instance } from "../../host/instance.ts";
import type { Load } from "../../host/live.ts";
import { succeeding } from "../../host/places.ts";
import { type LinkedPlan, link } from "../../host/plan.ts";
import { verify } from "../../trust/verify.ts";
import { contextOf, upload } from "./fixture.ts";
import { buildGuest } from "./guest.ts";
import { http } from "./http.ts";
import { http3 } from "./http3.ts";
import { wasi } from "./index.ts";
import { kept } from "./kept/index.ts";
import { type ServeOptions, type Server, serve } from "./serve.ts";
import { sockets } from "./sockets.ts";
import { wasi3 } from "./wasi3.ts";

// Components that count what they are asked and hand the count over: one of WASI 0.2, which misbehaves where it is told
// to, and one of 0.3, which says the count in its answer's status.

ownCache();
const providers = [wasi, sockets, http, wasi3, http3, kept];
const limitsOf = { stoppable: true } as const;
let counting: LinkedPlan;
let tallying: LinkedPlan;
let stateless: LinkedPlan;
const planOf = (name: string, bytes: Uint8Array) =>
  link(verify(`${name}.wasm`, bytes), { providers, limits: limitsOf });

/** That of WASI 0.3, with one of its lines put otherwise. */
const tally = async (line = "", otherwise = ""): Promise<LinkedPlan> => {
  const folder = join(import.meta.dir, "guest/tally");
  const text = readFileSync(join(folder, "main.wat"), "utf8");
  if (!text.includes(line)) throw new Error(`${line} is no line of it`);
  const own = mkdtempSync(join(tmpdir(), "loop-tally-"));
  try {
    writeFileSync(join(own, "main.wat"), text.replace(line, otherwise));
    const wit = await completed(
      new Map([["wit/world.wit", readFileSync(join(folder, "world.wit"), "utf8")]]),
    );
    const request = { folder: own, name: "tally", main: "main.wat", world: "tally", wit, settings: {} };
    return await planOf("tally", (await wat.build(request)).component);
  } finally {
    rmSync(own, { recursive: true });
  }
};

beforeAll(async () => {
  counting = await planOf("count", await buildGuest("count"));
  stateless = await planOf("net", await buildGuest("net"));
  tallying = await tally();
}, 60_000);

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const start = async (plan: LinkedPlan, options: Partial<ServeOptions> = {}) => {
  const reports: string[] = [];
  let made = 0;
  const server = await serve(plan, {
    hostname: "127.0.0.1",
    port: 0,
    reuse: true,
    contextOf: () => {
      made++;
      return contextOf().context;
    },
    report: (error) => void reports.push(String(error)),
    ...options,
  });
  servers.push(server);
  const ask = async (path: string, body?: string) => {
    const init = body === undefined ? {} : { method: "POST", body };
    const response = await fetch(`${server.url.slice(0, -1)}${path}`, { ...init, keepalive: false });
    return { status: response.status, body: await response.text() };
  };
  const get = async (path: string) => (await ask(path)).body;
  return { server, ask, get, reports, made: () => made };
};

/** How what comes differs from one that the composition root brings. */
interface Coming {
  readonly migrate?: Migrate;
  /** Milliseconds of each call of a swap; nobody waits five seconds for a law. */
  readonly callMs?: number;
}

const bringing =
  (plan: LinkedPlan, { migrate, callMs }: Coming = {}): Load =>
  async (phases) => {
    phases.enter("link");
    return {
      plan,
      migrate,
      async start(before) {
        const instance = await plan.instantiate(succeeding(contextOf().context, before));
        return callMs === undefined ? instance : hurried(instance, callMs);
      },
    };
  };

const hurried = (instance: Instance, ms: number): Instance => {
  const { callWithin } = instance;
  instance.callWithin = (_ms, ...rest) => callWithin.call(instance, ms, ...rest);
  return instance;
};

const failure = async (work: Promise<unknown>): Promise<{ code: string; phase: string | undefined }> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Fault)) throw new Error(`A fault was looked for, and there is ${error}`);
  const phases = error.causes.flatMap(({ message }) => /^Swapping: (\w+)/.exec(message)?.[1] ?? []);
  expect(phases).toHaveLength(1);
  return { code: error.code, phase: phases[0] };
};

const eventually = async (holds: () => boolean, what: string): Promise<void> => {
  for (let tries = 0; tries < 1000; tries++) {
    if (holds()) return;
    await Bun.sleep(10);
  }
  throw new Error(`It never came true that ${what}`);
};

/** A request that is under way until it is told to end: it has the instance. */
const underWay = async (server: Server, path: string) => {
  const one = upload(server.port, path);
  await eventually(() => server.pending === 1, "the request has begun");
  // Far longer than small bodies are waited for.
  await Bun.sleep(limits.serveAheadMsMax * 10);
  return one;
};

test("what has state is one instance for all, which they enter one after the other", async () => {
  const { server, get, made } = await start(counting, { instancesMax: 8 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => get("/slow?10")));
  expect(answers.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  expect([made(), server.instances]).toEqual([1, 1]);
});

test("under load each swap hands the count over: no request is lost, and none counted twice", async () => {
  const { server, get, reports } = await start(counting);
  const swaps = 12;
  let over = false;
  const counts: number[] = [];
  const clients = Array.from({ length: 8 }, async () => {
    while (!over) counts.push(Number(await get("/count")));
  });
  for (let generation = 2; generation <= swaps + 1; generation++) {
    const had = counts.length;
    await eventually(() => counts.length > had, "somebody is answered between two swaps");
    const swapped = await server.place.swap(bringing(counting));
    expect([swapped.state, swapped.generation]).toEqual(["handed-over", generation]);
    expect(swapped.parts.map(({ phase }) => phase)).toEqual([
      "fetch",
      "link",
      "instantiate",
      "save",
      "restore",
      "health",
      "exchange",
    ]);
  }
  over = true;
  await Promise.all(clients);
  expect(counts.sort((a, b) => a - b)).toEqual(counts.map((_, at) => at + 1));
  expect(counts.length).toBeGreaterThan(swaps);
  expect(reports).toEqual([]);
  expect(server.place.state).toMatchObject({ identifier: "count.wasm", generation: swaps + 1 });
}, 60_000);

test("what one keeps under a name, the next one takes", async () => {
  const { server, get } = await start(counting);
  await get("/keep");
  await server.place.swap(bringing(counting));
  expect(await get("/taken")).toBe("true");
  // That one kept nothing anew.
  await server.place.swap(bringing(counting));
  expect(await get("/taken")).toBe("false");
});

test("state that is refused is migrated, and without a migration the old one serves on", async () => {
  const { server, get } = await start(counting);
  await get("/count");
  await get("/mood?old");
  expect(await failure(server.place.swap(bringing(counting)))).toEqual({ code: "LK0423", phase: "restore" });
  expect([await get("/count"), server.place.state.generation]).toEqual(["2", 1]);
  const migrate: Migrate = async ({ bytes }) => ({ version: "1", bytes });
  const { state, generation } = await server.place.swap(bringing(counting, { migrate }));
  expect([state, generation]).toEqual(["migrated", 2]);
  expect(await get("/count")).toBe("3");
});

const broken: readonly [mood: string, code: string, phase: string][] = [
  ["save traps", "LK0304", "save"],
  ["save never ends", "LK0711", "save"],
  ["restore traps", "LK0304", "restore"],
  ["restore never ends", "LK0711", "restore"],
];

for (const [mood, code, phase] of broken)
  test(`where ${mood} the old one serves on with its state`, async () => {
    const { server, get, reports } = await start(counting);
    const hurry = bringing(counting, { callMs: 300 });
    // What serves then has a short time to save.
    await server.place.swap(hurry);
    await get("/count");
    await get(`/mood?${encodeURIComponent(mood)}`);
    const swapping = failure(server.place.swap(hurry));
    const meanwhile = get("/count");
    expect(await swapping).toEqual({ code, phase });
    expect([await meanwhile, await get("/count")]).toEqual(["2", "3"]);
    expect(server.place.state.generation).toBe(2);
    await get("/mood?");
    expect((await server.place.swap(hurry)).state).toBe("handed-over");
    expect(await get("/count")).toBe("4");
    expect(reports).toEqual([]);
  }, 20_000);

test("a swap waits for the request that is under way, and those of meanwhile go to the new one", async () => {
  const { server, get } = await start(counting);
  const { closed, end } = await underWay(server, "/length");
  let swapped = false;
  const swapping = server.place.swap(bringing(counting)).then((one) => {
    swapped = true;
    return one;
  });
  const meanwhile = Array.from({ length: 5 }, () => get("/count"));
  await Bun.sleep(200);
  expect(swapped).toBe(false);
  end();
  expect((await swapping).state).toBe("handed-over");
  expect(await closed).toEndWith("\r\n\r\n5 1");
  expect((await Promise.all(meanwhile)).map(Number).sort()).toEqual([2, 3, 4, 5, 6]);
}, 20_000);

test("a request that does not end in time fails the swap, and nobody is lost", async () => {
  const { server, get } = await start(counting);
  const { closed, end } = await underWay(server, "/length");
  expect(await failure(server.place.swap(bringing(counting)))).toEqual({ code: "LK0422", phase: "save" });
  const after = get("/count");
  end();
  expect(await closed).toEndWith("\r\n\r\n5 1");
  expect([await after, server.place.state.generation]).toEqual(["2", 1]);
}, 40_000);

test("state goes with a trap, and the next request has another instance", async () => {
  const { server, ask, get, reports, made } = await start(counting);
  expect([await get("/count"), await get("/count")]).toEqual(["1", "2"]);
  const [trapped, next] = await Promise.all([ask("/trap"), ask("/count")]);
  expect([trapped.status, next.body, made()]).toEqual([500, "1", 2]);
  expect(reports.join()).toContain("Trapped on purpose");
  expect(reports).toHaveLength(1);
  // Whoever comes next has the state of that one.
  expect((await server.place.swap(bringing(counting))).state).toBe("handed-over");
  expect(await get("/count")).toBe("2");
  await ask("/trap");
  // And where the last thing was a trap, there is none.
  expect((await server.place.swap(bringing(counting))).state).toBe("none");
  expect([await get("/count"), server.place.state.generation]).toEqual(["1", 3]);
});

test("nothing crosses between what has state and what has none, and both serve", async () => {
  const { server, get } = await start(counting, { instancesMax: 2 });
  expect([await get("/count"), await get("/count")]).toEqual(["1", "2"]);
  const { closed, end } = await underWay(server, "/length");
  expect((await server.place.swap(bringing(stateless))).state).toBe("none");
  expect([await get("/count"), await get("/hello")]).toEqual(["1", "Hello"]);
  end();
  expect(await closed).toEndWith("\r\n\r\n5 3");
  await eventually(() => server.instances === 1, "what had state is gone");
  expect((await server.place.swap(bringing(counting))).state).toBe("none");
  expect([await get("/count"), server.place.state.generation]).toEqual(["1", 3]);
}, 20_000);

test("where each request has an instance of its own, what has state does not fit", async () => {
  const { server, get } = await start(stateless, { reuse: false });
  const { code } = await failure(server.place.swap(bringing(counting)));
  expect([code, await get("/count")]).toEqual(["LK0402", "1"]);
});

test("a stopped server takes nobody", async () => {
  const { server } = await start(counting);
  await server.stop();
  expect((await failure(server.place.swap(bringing(counting)))).code).toBe("LK0422");
  expect(server.instances).toBe(0);
});

test("one of WASI 0.3 that has done enough hands its count to another of its kind", async () => {
  const { server, ask, made, reports } = await start(tallying);
  const requests = limits.asyncCallsMax * 2 + 2;
  for (let count = 1; count <= requests; count++)
    expect(await ask("/", `${count}`)).toEqual({ status: 400 + count, body: `${count}` });
  expect([made(), server.instances, server.place.state.generation]).toEqual([3, 1, 1]);
  expect(reports).toEqual([]);
}, 30_000);

test("one that has done enough and whose state is refused goes on, which is said once", async () => {
  // What it says of its state's version is not what it takes.
  const odd = await tally(
    "(i32.store (i32.const 560) (i32.const 512))",
    "(i32.store (i32.const 560) (i32.const 520))",
  );
  const { server, ask, made, reports } = await start(odd);
  for (let count = 1; count <= limits.asyncCallsMax * 2; count++)
    expect((await ask("/", `${count}`)).status).toBe(400 + count);
  expect([made(), server.instances]).toEqual([2, 1]);
  expect(reports).toHaveLength(1);
  expect(reports[0]).toContain('does not take the state of version "a": another version');
}, 30_000);

test("where a save ends its own instance, who waits meanwhile is answered by one that begins anew", async () => {
  // What jco links cannot be put back as it was.
  const ending = await tally("(i32.store (i32.const 544) (global.get $count))", "unreachable");
  const { server, ask, reports } = await start(ending);
  expect([(await ask("/", "x")).status, (await ask("/", "x")).status]).toEqual([401, 402]);
  const swapping = failure(server.place.swap(bringing(ending)));
  const meanwhile = ask("/", "y");
  expect(await swapping).toEqual({ code: "LK0304", phase: "save" });
  expect((await meanwhile).body).toBe("y");
  expect((await ask("/", "z")).status).toBeLessThan(403);
  expect([server.instances, reports]).toEqual([1, []]);
}, 30_000);

test("one of WASI 0.3 is swapped under load, with its count", async () => {
  const { server, ask } = await start(tallying);
  let over = false;
  const counts: number[] = [];
  const clients = Array.from({ length: 4 }, async (_, client) => {
    for (let turn = 0; !over; turn++) {
      const { status, body } = await ask("/", `${client} ${turn}`);
      expect(body).toBe(`${client} ${turn}`);
      counts.push(status - 400);
    }
  });
  for (let generation = 2; generation <= 6; generation++) {
    const had = counts.length;
    await eventually(() => counts.length > had, "somebody is answered between two swaps");
    const swapped = await server.place.swap(bringing(tallying));
    expect([swapped.state, swapped.generation]).toEqual(["handed-over", generation]);
  }
  over = true;
  await Promise.all(clients);
  expect(counts.sort((a, b) => a - b)).toEqual(counts.map((_, at) => at + 1));
}, 30_000);

test("state crosses from a handler of WASI 0.2 to one of 0.3, where somebody knows how", async () => {
  const { server, ask, get } = await start(counting);
  for (let count = 0; count < 6; count++) await get("/count");
  await get("/mood?old");
  const migrate: Migrate = async ({ bytes }) => ({
    version: "1",
    bytes: new Uint8Array(Uint32Array.of(Number.parseInt(new TextDecoder().decode(bytes), 10)).buffer),
  });
  expect((await server.place.swap(bringing(tallying, { migrate }))).state).toBe("migrated");
  expect((await ask("/", "x")).status).toBe(407);
});
