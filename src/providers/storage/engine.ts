// The program of the engine's process: SQLite can be interrupted only by ending the process that runs it, so a
// guest's SQL runs in one of its own. Started by `process.ts`; speaks over Bun's IPC.
import { dlopen } from "bun:ffi";
import { Refusal } from "./refusal.ts";
import { type Request, Session } from "./session.ts";

/** The first message. */
export interface Opening {
  readonly path: string;
  readonly quotaBytes: number;
}

export interface Numbered {
  readonly id: number;
  readonly request: Request;
}

export type Reply = { readonly id: number } & (
  | { readonly answer: unknown }
  | { readonly refusal: { readonly kind: Refusal["kind"]; readonly message: string } }
  | { readonly bug: string }
);

let session: Session | undefined;

const replyTo = (id: number, request: Request): Reply => {
  try {
    return { id, answer: session!.answer(request) };
  } catch (error) {
    if (error instanceof Refusal) return { id, refusal: { kind: error.kind, message: error.message } };
    return { id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
};

process.on("message", (message: Opening | Numbered) => {
  if ("path" in message) session = new Session(message.path, message.quotaBytes);
  else process.send!(replyTo(message.id, message.request));
});

// Whoever asked is gone; SQLite rolls back what was not committed.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

/** In the middle of a statement nothing above is heard, and a host that was killed can end nobody: Linux does. */
const endWithHost = (): void => {
  if (process.platform !== "linux") return;
  const setParentDeathSignal = 1n;
  const kill = 9n;
  const u64 = ["u64", "u64", "u64", "u64", "u64"] as const;
  try {
    dlopen("libc.so.6", { prctl: { args: u64, returns: "i32" } }).symbols.prctl(
      setParentDeathSignal,
      kill,
      0n,
      0n,
      0n,
    );
  } catch {
    // Another libc: the engine then ends with its statement.
  }
};
endWithHost();
