import { cpSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { type Row, spawn } from "./measure.ts";
import { withFolder } from "./peers.ts";
import { startServer } from "./server.ts";

// A gibibyte through a served component and back: its speed, and the most memory that the server ever had. Once every
// byte goes through the guest's own memory, once the guest splices its input into its output; and over either server.

const mebibytes = 1024;
const memoryMibMax = 320;

export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    cpSync(join(import.meta.dir, "../tests/fixtures/served"), folder, { recursive: true });
    spawn([executable, "build"], { cwd: folder, env });
    const rows: Row[] = [];
    for (const flags of [[], ["--trailers"]])
      for (const path of ["echo", "splice"]) {
        const server = await startServer([join(folder, "build/served.wasm"), ...flags], env);
        try {
          const name = [`1 GiB through /${path}`, ...flags].join(" ");
          const seconds = await echo(`http://127.0.0.1:${server.port}/${path}`);
          const most = server.peakMib();
          rows.push(
            { work: `${name}: speed, each way`, median: mebibytes / seconds, unit: "MiB/s" },
            {
              work: `${name}: most memory`,
              median: most,
              unit: "MiB",
              target: { text: `at most ${memoryMibMax} MiB`, met: most <= memoryMibMax },
            },
          );
        } finally {
          await server.stop();
        }
      }
    return rows;
  });

/** Seconds until all came back as it was sent. */
const echo = async (url: string): Promise<number> => {
  const piece = new Uint8Array(1 << 20);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < mebibytes) controller.enqueue(piece);
      else controller.close();
    },
  });
  const startMs = performance.now();
  const answer = await fetch(url, { method: "POST", body });
  let bytes = 0;
  for await (const chunk of answer.body!) bytes += chunk.length;
  if (bytes !== mebibytes << 20)
    throw new Error(`${mebibytes << 20} bytes were sent, and ${bytes} came back`);
  return (performance.now() - startMs) / 1000;
};
