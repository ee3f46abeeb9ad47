import { readdirSync, readFileSync } from "node:fs";
import { executable } from "../scripts/executable.ts";

/** A `loop serve` of its own, ready to answer; `words` follow the command. */
export const startServer = async (words: readonly string[], env: Record<string, string>) => {
  const child = Bun.spawn([executable, "serve", ...words, "--addr", "127.0.0.1:0"], {
    env,
    stdout: "ignore",
    stderr: "pipe",
  });
  let said = "";
  const url = Promise.withResolvers<string>();
  void (async () => {
    for await (const bytes of child.stderr) {
      said += new TextDecoder().decode(bytes);
      const found = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(said);
      if (found) url.resolve(found[1]!);
    }
    url.reject(new Error(`The server ended before it served: ${said}`));
  })();
  return {
    port: Number(await url.promise),
    /** What it has said on standard error. */
    said: () => said,
    /** The most memory that it ever had. */
    peakMib: () =>
      Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
};
