import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { requestsPerSecond } from "./load.ts";
import { interleave, medianOf, type Row, spawn } from "./measure.ts";
import { jco, withFolder } from "./peers.ts";

// A component that handles HTTP, served by loop and by jco: how many requests it answers, and what memory that
// takes. The handler is WebAssembly text, so that what is measured is the host and not the guest's language.

const body = "Hello, world\n";
const load = { connections: 16, ms: 1500 };
const ratioMin = 3;
/** loop keeps requests apart at a price: each costs an instance. It is reported, not held against a peer. */
const serveAs = ["loop serve", "loop serve --per-request", "jco serve"] as const;
type Name = (typeof serveAs)[number];

interface Served {
  readonly name: Name;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<unknown>;
}

export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    cpSync(join(import.meta.dir, "http"), folder, { recursive: true });
    spawn([executable, "build"], { cwd: folder, env });
    const component = join(folder, "build/hello-http.wasm");
    const served: Served[] = [];
    try {
      for (const name of serveAs) served.push(await start(name, component, env));
      return await measure(served);
    } finally {
      await Promise.all(served.map((one) => one.stop()));
    }
  });

const measure = async (served: readonly Served[]): Promise<Row[]> => {
  const memory = new Map<Name, number[]>(serveAs.map((name) => [name, []]));
  const contenders = served.map(({ name, port, pid }) => ({
    name,
    async once() {
      const rate = await requestsPerSecond({ ...load, port }, body);
      memory.get(name)!.push(residentMib(pid));
      return rate;
    },
  }));
  const rates = await interleave(contenders, { rounds: 5, warm: 1 });
  const mib = (name: Name) => medianOf(memory.get(name)!);
  const [ours, own, peer] = serveAs;
  const rate = rates.get(ours)! / rates.get(peer)!;
  return [
    {
      work: `${ours}, requests`,
      median: rates.get(ours)!,
      unit: "req/s",
      against: { name: peer, median: rates.get(peer)! },
      ratio: rate,
      target: { text: `at least × ${ratioMin}`, met: rate >= ratioMin },
    },
    {
      work: `${own}, requests`,
      median: rates.get(own)!,
      unit: "req/s",
      against: { name: peer, median: rates.get(peer)! },
      ratio: rates.get(own)! / rates.get(peer)!,
    },
    {
      work: `${ours}, memory under load`,
      median: mib(ours),
      unit: "MiB",
      against: { name: peer, median: mib(peer) },
      ratio: mib(ours) / mib(peer),
    },
  ];
};

const commandOf = (name: Name, component: string, port: number): string[] =>
  name === "jco serve"
    ? ["node", jco, "serve", component, "--port", String(port)]
    : [...[executable, "serve", component, "--addr", `127.0.0.1:${port}`], ...name.split(" ").slice(2)];

const start = async (name: Name, component: string, env: Record<string, string>): Promise<Served> => {
  const port = freePort();
  const child = Bun.spawn(commandOf(name, component, port), { env, stdout: "ignore", stderr: "ignore" });
  const stop = async () => {
    const helpers = [child.pid, ...below(child.pid)].reverse();
    for (const pid of helpers) if (isRunning(pid)) process.kill(pid, "SIGTERM");
    await child.exited;
  };
  try {
    await answering(port, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, port, pid: child.pid, stop };
};

const freePort = (): number => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
};

const startMsMax = 60_000;

const answering = async (port: number, child: { readonly exitCode: number | null }): Promise<void> => {
  for (const endMs = performance.now() + startMsMax; performance.now() < endMs; await Bun.sleep(50)) {
    if (child.exitCode !== null) throw new Error(`A server ended with ${child.exitCode} before it served`);
    try {
      const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
      if (text === body) return;
    } catch {
      // Not yet.
    }
  }
  throw new Error(`Nobody answers at port ${port}`);
};

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The processes that one has started, and those that these have. */
const below = (pid: number): number[] => {
  const children = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && statusOf(Number(entry), "PPid") === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...below(child)]);
};

/** Memory of a process and of all that it has started. */
const residentMib = (pid: number): number =>
  [pid, ...below(pid)].reduce((sum, one) => sum + (statusOf(one, "VmRSS") ?? 0), 0) / 1024;

/** A number of a process's status; memory is in KiB. Undefined where it is gone. */
const statusOf = (pid: number, key: string): number | undefined => {
  try {
    const match = new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
};
