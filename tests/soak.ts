// A process that does one thing very often and says after each round what it holds: `bun tests/soak.ts WORK ROUNDS
// TIMES [LINKER]`. Owns the work and the counting; refuses to judge (soak.test.ts does). It ends by itself, or something that
// it was to let go keeps it alive.
import { heapStats } from "bun:jsc";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guest } from "../benchmarks/gfx.ts";
import { typescript } from "../src/builders/typescript.ts";
import { wat } from "../src/builders/wat.ts";
import { completed } from "../src/builders/wit.ts";
import type { Instance } from "../src/host/instance.ts";
import type { LinkerName } from "../src/host/linkers.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { core } from "../src/providers/core/core.ts";
import { bufferStdio } from "../src/providers/wasi/buffer.ts";
import { heldOf } from "../src/providers/wasi/held.ts";
import { http } from "../src/providers/wasi/http.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { serve } from "../src/providers/wasi/serve.ts";
import { sockets } from "../src/providers/wasi/sockets.ts";
import { Desk } from "../src/providers/window/desk.ts";
import { settingsOf } from "../src/providers/window/settings.ts";
import { parseNetwork } from "../src/trust/network.ts";
import { verify } from "../src/trust/verify.ts";

/** What the process holds after a round, garbage collected. */
export interface Held {
  readonly descriptors: number;
  readonly rssMib: number;
  readonly heapMib: number;
  /** Without what the engine keeps of code it has seen: shapes and compiled functions. */
  readonly objects: number;
  /** Address space; the engine reserves 4 GiB for some memories. */
  readonly virtualGib: number;
  /** Resources that the guest still holds, where one guest lives through all rounds. */
  readonly handles: number;
}

const root = join(import.meta.dir, "..");
const [work = "", rounds = "1", times = "1", linker = "loop"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "loop-soak-"));
process.env.XDG_CACHE_HOME = join(folder, "cache");

const planned = async (bytes: Uint8Array): Promise<LinkedPlan> =>
  link(verify("soak.wasm", bytes), {
    providers: [wasi, sockets, http, core],
    linker: linker as LinkerName,
  });

const textGuest = async () => {
  const folder = join(root, "tests/cli/unix/files");
  const request = { folder, name: "copy", main: "copy.wat", world: undefined, wit: new Map(), settings: {} };
  return planned((await wat.build(request)).component);
};

const scriptGuest = async () => {
  const place = join(root, "tests/fixtures/soak");
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(place, "world.wit"), "utf8")]]));
  const request = { folder: place, name: "soak", main: "soak.guest.js", world: "soak", wit, settings: {} };
  return planned((await typescript.build(request)).component);
};

const contextOf = (input = ""): InstanceContext => ({
  component: { identifier: "soak.wasm", digest: "sha256:00" },
  args: ["soak"],
  grants: {
    env: [],
    folders: [{ host: folder, guest: "/", readOnly: false }],
    capabilities: new Set(),
    network: parseNetwork("127.0.0.1,listen=127.0.0.1:0"),
  },
  stdio: bufferStdio(input),
  onDrop: () => {},
});

/** Each call does the work `count` times; the answer says what is held while it goes on. */
interface Work {
  once(count: number): Promise<void>;
  handles?(): number;
  end?(): Promise<void>;
}

/** One guest through all rounds, so that what it holds would add up. */
const living = async (call: string, answers: (count: number) => number): Promise<Work> => {
  const instance: Instance = await (await scriptGuest()).instantiate(contextOf());
  return {
    async once(count) {
      const answer = await instance.call(undefined, call, [count]);
      if (call !== "files" && answer !== answers(count))
        throw new Error(`${call} answered ${answer}, and ${answers(count)} was to be`);
    },
    handles: () => heldOf(instance.context).handles.held,
    end: async () => instance.drop(),
  };
};

const works: Record<string, () => Promise<Work>> = {
  /** Made from WebAssembly text, with a memory: reads its input, writes it out, is dropped. */
  async instances() {
    const plan = await textGuest();
    return {
      async once(count) {
        for (let at = 0; at < count; at++) {
          const context = contextOf("some input");
          const instance = await plan.instantiate(context);
          await instance.call("wasi:cli/run@0.2.0", "run", []);
          instance.drop();
          const said = (context.stdio as ReturnType<typeof bufferStdio>).stdoutText();
          if (said !== "some input") throw new Error(`It copied ${JSON.stringify(said)}`);
        }
      },
    };
  },
  /** Made from TypeScript: an engine of its own in each. */
  async scripts() {
    const plan = await scriptGuest();
    return {
      async once(count) {
        for (let at = 0; at < count; at++) {
          const instance = await plan.instantiate(contextOf());
          if ((await instance.call(undefined, "greet", ["x"])) !== "Hello, x")
            throw new Error("It did not greet");
          instance.drop();
        }
      },
    };
  },
  files: () => living("files", () => 0),
  timers: () => living("timers", (count) => count),
  connections: () => living("connections", (count) => 8 * count),
  /** Frames that a graphics processor draws, into a window that lasts. */
  async pictures() {
    const desk = new Desk(settingsOf({ folder, headless: true, frames: "1000000" }));
    const { exports, drop } = await guest(desk.open("pictures", 32, 24));
    return {
      async once(count) {
        for (let at = 0; at < count; at++) {
          await exports.frame();
          await desk.next(true);
        }
      },
      end: async () => {
        drop();
        desk.end();
      },
    };
  },
  /** A window, a device, a frame, and all of it given back: on a display where there is one. */
  async surfaces() {
    const headless = !process.env.DISPLAY;
    return {
      async once(count) {
        for (let at = 0; at < count; at++) {
          const desk = new Desk(settingsOf({ folder, headless, frames: "100" }));
          const pane = desk.open("surfaces", 64, 48);
          const { exports, drop } = await guest(pane);
          for (let frame = 0; frame < 2; frame++) {
            await exports.frame();
            await desk.next(true);
          }
          drop();
          pane.close();
          desk.end();
        }
      },
    };
  },
  /** Requests to a served component, some of them broken off by their clients half-way. */
  async requests() {
    const place = join(root, "tests/fixtures/served");
    const wit = await completed(
      new Map([["wit/world.wit", readFileSync(join(place, "wit/world.wit"), "utf8")]]),
    );
    const request = {
      folder: place,
      name: "served",
      main: "src/main.ts",
      world: "served",
      wit,
      settings: {},
    };
    const plan = await planned((await typescript.build(request)).component);
    const server = await serve(plan, {
      hostname: "127.0.0.1",
      port: 0,
      reuse: true,
      instancesMax: 4,
      contextOf: () => ({ ...contextOf(), stdio: silent }),
      report: () => {},
    });
    return {
      async once(count) {
        for (let at = 0; at < count; at++)
          if (at % 4 === 0) await leave(server.port);
          else {
            const answer = await fetch(`${server.url}echo`, {
              method: "POST",
              body: "hello",
              keepalive: false,
            });
            if ((await answer.text()) !== "hello") throw new Error("It did not echo");
          }
        for (let tries = 0; server.pending > 0; tries++) {
          if (tries > 1000) throw new Error(`${server.pending} requests are still pending`);
          await Bun.sleep(10);
        }
      },
      end: async () => void (await server.stop(1000)),
    };
  },
};

const silent: InstanceContext["stdio"] = {
  stdin: { isTerminal: false, read: () => undefined },
  stdout: { isTerminal: false, write() {}, flush() {} },
  stderr: { isTerminal: false, write() {}, flush() {} },
};

/** A client that goes away in the middle of its body, once a guest reads it. */
const leave = async (port: number): Promise<void> => {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  const large = "x".repeat(70_000);
  socket.write(`POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n${large}`);
  await Bun.sleep(2);
  socket.terminate();
};

const ofCode = ["Structure", "StructureRareData", "FunctionCodeBlock", "UnlinkedFunctionCodeBlock", "symbol"];

const status = (key: string): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]);

const held = async (handles: number): Promise<Held> => {
  // What was let go in callbacks of the engine's is garbage one turn later.
  for (let turn = 0; turn < 3; turn++) {
    await Bun.sleep(5);
    Bun.gc(true);
  }
  const heap = heapStats();
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    rssMib: status("VmRSS") / 1024,
    heapMib: heap.heapSize / 1024 ** 2,
    objects: heap.objectCount - ofCode.reduce((sum, kind) => sum + (heap.objectTypeCounts[kind] ?? 0), 0),
    virtualGib: status("VmSize") / 1024 ** 2,
    handles,
  };
};

const { once, handles, end } = await works[work]!();
for (let round = 0; round < Number(rounds); round++) {
  await once(Number(times));
  console.log(JSON.stringify(await held(handles?.() ?? 0)));
}
await end?.();
rmSync(folder, { recursive: true, force: true });
console.log("done");
