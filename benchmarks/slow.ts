import { cpSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { type Row, spawn } from "./measure.ts";
import { withFolder } from "./peers.ts";
import { startServer } from "./server.ts";

// A thousand clients that take three seconds over each request, and one that does not, at one server: what the quick
// one waits, and whether all are answered. They begin one after the other, so that all are under way after three
// seconds and each second then brings a third of them their ends. Each kind of slowness has a run of its own.

const clients = 1000;
const pieceEveryMs = 300;
const pieces = 10;
const waitMsMax = 250;

const kinds = ["sending announced bytes", "sending chunks", "reading 200 kB", "reading 3 MB"] as const;
type Kind = (typeof kinds)[number];

export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    cpSync(join(import.meta.dir, "../tests/fixtures/served"), folder, { recursive: true });
    spawn([executable, "build"], { cwd: folder, env });
    const rows: Row[] = [];
    for (const kind of kinds) {
      const server = await startServer([join(folder, "build/served.wasm")], env);
      try {
        rows.push(...(await measure(kind, server)));
      } finally {
        await server.stop();
      }
    }
    return rows;
  });

const measure = async (
  kind: Kind,
  { port, peakMib, descriptors }: Awaited<ReturnType<typeof startServer>>,
): Promise<Row[]> => {
  const before = descriptors();
  let over = false;
  const slow = Promise.all(
    Array.from({ length: clients }, async (_, at) => {
      await Bun.sleep(at * 3);
      return slowClient(kind, port);
    }),
  ).finally(() => {
    over = true;
  });
  const waits: number[] = [];
  while (!over) {
    const startMs = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/`, { keepalive: false });
    if ((await answer.text()) !== "Hello") throw new Error("The quick client was answered something else");
    waits.push(performance.now() - startMs);
    await Bun.sleep(10);
  }
  const answered = (await slow).filter(Boolean).length;
  const sorted = waits.sort((a, b) => a - b);
  for (let tries = 0; descriptors() > before + 2 && tries < 100; tries++) await Bun.sleep(20);
  const most = sorted.at(-1)!;
  return [
    {
      work: `${clients} slow clients (${kind}): median wait of another`,
      median: sorted[sorted.length >> 1]!,
      unit: "ms",
    },
    {
      work: `${clients} slow clients (${kind}): longest wait of another`,
      median: most,
      unit: "ms",
      // Three gigabytes are more than a server keeps for slow readers: then others do wait. It is reported.
      ...(kind !== "reading 3 MB" && {
        target: { text: `at most ${waitMsMax} ms`, met: most <= waitMsMax },
      }),
    },
    {
      work: `${clients} slow clients (${kind}): answered whole`,
      median: answered,
      unit: "count",
      target: { text: `all ${clients}`, met: answered === clients },
    },
    {
      work: `${clients} slow clients (${kind}): descriptors left`,
      median: descriptors() - before,
      unit: "count",
      target: { text: "at most 2", met: descriptors() <= before + 2 },
    },
    { work: `${clients} slow clients (${kind}): most memory`, median: peakMib(), unit: "MiB" },
  ];
};

/** Whether it was answered all that it sent, or all that it asked for. */
const slowClient = async (kind: Kind, port: number): Promise<boolean> => {
  if (kind === "reading 200 kB") return slowReader(port, 200_000);
  if (kind === "reading 3 MB") return slowReader(port, 3_000_000);
  const announced = kind === "sending announced bytes";
  let received = "";
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => {
        received += bytes.toString("latin1");
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  const coding = announced ? `content-length: ${pieces}` : "transfer-encoding: chunked";
  socket.write(`POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${coding}\r\n\r\n`);
  for (let piece = 0; piece < pieces; piece++) {
    await Bun.sleep(pieceEveryMs);
    socket.write(announced ? "x" : "1\r\nx\r\n");
  }
  if (!announced) socket.write("0\r\n\r\n");
  await Promise.race([closed.promise, Bun.sleep(20_000)]);
  socket.terminate();
  return received.startsWith("HTTP/1.1 200") && received.replace(/[^x]/g, "").length === pieces;
};

/** Takes an answer of so many bytes a piece at a time. */
const slowReader = async (port: number, length: number): Promise<boolean> => {
  let bytes = 0;
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (made) => {
        made.pause();
      },
      data: (_, some) => {
        bytes += some.length;
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  socket.write(`GET /zeroes?${length} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  for (let piece = 0; piece < pieces; piece++) {
    await Bun.sleep(pieceEveryMs);
    socket.resume();
    await Bun.sleep(1);
    if (piece < pieces - 1) socket.pause();
  }
  await Promise.race([closed.promise, Bun.sleep(20_000)]);
  socket.terminate();
  return bytes > length;
};
