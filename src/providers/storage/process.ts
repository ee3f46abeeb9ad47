import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { limits } from "../../base/limits.ts";
import type { Numbered, Opening, Reply } from "./engine.ts";
import { engineProgram } from "./program.ts" with { type: "macro" };
import { Refusal } from "./refusal.ts";
import type { Request } from "./session.ts";

// The host's end of the engine's process: starts it, asks it, and ends it when a statement takes too much.

const program: string = engineProgram();
/** How often a statement under way is looked at. */
const lookMs = 50;
const pageBytes = 4096;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** What one statement may take. */
export interface Allowance {
  readonly ms: number;
  readonly bytes: number;
}

export class EngineProcess {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "ignore">;
  readonly #allowance: Allowance;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  readonly #endWithHost = () => this.#child.kill("SIGKILL");
  /** Why it is to end, once that is settled. */
  #end: Refusal | undefined;

  /** The folder of `path` exists. */
  constructor(opening: Opening, allowance: Allowance) {
    this.#allowance = allowance;
    this.#child = Bun.spawn([process.execPath, "-e", program], {
      // Nothing of where a person runs loop reaches it: no bunfig.toml, no .env, no variables.
      cwd: dirname(opening.path),
      env: engineEnvironment(process.env),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      // Ctrl-C is for the host, which then ends it.
      detached: true,
      serialization: "advanced",
      ipc: (reply: Reply) => this.#settle(reply),
      onExit: () => this.#ended(),
    });
    this.#child.send(opening);
    process.on("exit", this.#endWithHost);
  }

  get alive(): boolean {
    return this.#end === undefined;
  }

  /** Refusals: the engine's own; timed-out and too-large, which end it and whatever it had not committed. */
  async request(request: Request): Promise<unknown> {
    if (this.#end) throw this.#end;
    const id = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const watch = this.#watch();
    this.#child.send({ id, request } satisfies Numbered);
    try {
      return await answer;
    } finally {
      clearInterval(watch);
    }
  }

  end(reason: Refusal): void {
    this.#end ??= reason;
    this.#child.kill("SIGKILL");
  }

  #watch(): ReturnType<typeof setInterval> {
    const until = performance.now() + this.#allowance.ms;
    return setInterval(() => {
      if (performance.now() > until) this.end(new Refusal("timed-out"));
      else if (residentBytes(this.#child.pid) > this.#allowance.bytes)
        this.end(new Refusal("too-large", `A statement may take ${this.#allowance.bytes} bytes of memory`));
    }, lookMs);
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("answer" in reply) waiting?.resolve(reply.answer);
    else if ("refusal" in reply) waiting?.reject(new Refusal(reply.refusal.kind, reply.refusal.message));
    else waiting?.reject(new Error(`In the storage engine: ${reply.bug}`));
  }

  #ended(): void {
    process.off("exit", this.#endWithHost);
    this.#end ??= new Refusal("unavailable", "The database's engine stopped");
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}

/** Where temporary files go, what Windows needs to start anything, and what makes this executable act as Bun. */
const engineEnvironment = (host: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const made: Record<string, string> = { BUN_BE_BUN: "1" };
  for (const name of ["TMPDIR", "TEMP", "TMP", "SystemRoot"]) if (host[name]) made[name] = host[name];
  return made;
};

/** Resident memory of a process; 0 where the platform has no cheap answer, and there time alone is the bound. */
const residentBytes = (pid: number): number => {
  if (process.platform !== "linux") return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * pageBytes;
  } catch {
    return 0;
  }
};

/** What a statement may take unless a test says otherwise. */
export const usualAllowance: Allowance = {
  ms: limits.storageStatementMsMax,
  bytes: limits.storageEngineBytesMax,
};
