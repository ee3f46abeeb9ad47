import { resolve } from "node:path";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { parseBytes, parseMs, printBytes, printMs } from "../../base/quantity.ts";
import { shellWord } from "../../base/word.ts";
import type { InstanceLimits } from "../../host/budget.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { InstanceContext, OutputSink, ScreenSettings } from "../../host/provider.ts";
import type { Denial, FlagGrants } from "../../trust/written.ts";
import { Tally } from "./audit.ts";
import type { RunServices } from "./index.ts";
import { recorded } from "./recording.ts";

/** `loop:run/runner#options` in the JS mapping. */
export interface RunOptions extends FlagGrants {
  readonly args: readonly string[];
  readonly timeout?: string | undefined;
  readonly maxMemory?: string | undefined;
  readonly maxOutput?: string | undefined;
  /** A file, or "" for standard error. */
  readonly audit?: string | undefined;
  readonly recordTo?: string | undefined;
  readonly replayFrom?: string | undefined;
  readonly screen?:
    | (Omit<ScreenSettings, "folder" | "record"> & { readonly recordInput?: string | undefined })
    | undefined;
  readonly capture: boolean;
}

/** One run's context, and what it wrote where that was kept. */
export interface Session {
  readonly context: InstanceContext;
  /** Standard output so far; undefined where it was passed on. */
  output(): string | undefined;
  /** What it was refused so far and could go on without. */
  readonly denials: readonly Denial[];
  /** Writes what was asked for about the run; `well` says that it came to its end. Faults: LK0006, LK0722. */
  finish(well: boolean): Promise<void>;
}

/** What a person wrote after --timeout, --max-memory and --max-output; a hint doubles it in `command`. Faults: LK0004. */
export const limitsOf = (
  identifier: string,
  { timeout, maxMemory, maxOutput }: Partial<RunOptions>,
  command = `loop run ${shellWord(identifier)}`,
): InstanceLimits => {
  const lifeMsMax = timeout === undefined ? undefined : parseMs(timeout, "--timeout");
  const memoryBytesMax = maxMemory === undefined ? undefined : parseBytes(maxMemory, "--max-memory");
  const outputBytesMax = maxOutput === undefined ? undefined : parseBytes(maxOutput, "--max-output");
  return {
    ...(lifeMsMax && { lifeMsMax }),
    ...(memoryBytesMax && { memoryBytesMax }),
    ...(outputBytesMax && { outputBytesMax }),
    hints: {
      ...(lifeMsMax && { time: `${command} --timeout ${printMs(lifeMsMax * 2)}` }),
      ...(memoryBytesMax && { memory: `${command} --max-memory ${printBytes(memoryBytesMax * 2)}` }),
      ...(outputBytesMax && { output: `${command} --max-output ${printBytes(outputBytesMax * 2)}` }),
    },
  };
};

/** Settles what one run may do. Faults: LK0702 grants, LK0204 too many bytes of arguments, LK0004 bad names. */
export const openSession = async (
  plan: LinkedPlan,
  caller: InstanceContext,
  options: RunOptions,
  services: Pick<RunServices, "grants" | "asking" | "folder" | "hear">,
  /** Told of each thing that is denied, once. */
  denied?: (denial: Denial) => void,
): Promise<Session> => {
  const { identifier, digest } = plan.component;
  const kept = options.capture ? new KeptOutput(identifier) : undefined;
  const args = [programName(identifier), ...options.args];
  const { grants, unmet } = await services.grants(plan.component, options);
  const asking = await services.asking(plan.component, options, caller.stdio);
  bounded([...args, ...grants.env.flat()]);
  const { stdin, stdout, stderr } = asking ?? caller.stdio;
  const streams = { stdout: kept ?? stdout, stderr };
  const { hear } = services;
  const voice = hear(identifier, { ...streams, log: caller.voiceOf && caller.log });
  const denials: Denial[] = [];
  const tally = options.audit === undefined ? undefined : new Tally();
  const chance = recorded(digest, options, services.folder);
  return {
    context: {
      component: { identifier, digest },
      args,
      grants,
      onDenied: (denial) => {
        const known = denials.some(({ wanted }) => wanted === denial.wanted);
        if (known || denials.length >= limits.denialsMax) return;
        denials.push(denial);
        denied?.(denial);
      },
      // A guest that asks how long it has left is told the moment when it will be stopped.
      ...(options.timeout !== undefined && {
        deadlineMs: performance.now() + parseMs(options.timeout, "--timeout"),
      }),
      unmet,
      ...(asking && { ask: asking.ask }),
      stdio: { stdin, stdout: voice.stdout, stderr: voice.stderr },
      log: voice.log,
      voiceOf: (other) => hear(other, caller.voiceOf?.(other) ?? streams),
      ...(tally && { audit: tally.audit }),
      ...(chance && { chance }),
      ...(options.screen && {
        screen: { ...options.screen, record: options.screen.recordInput, folder: services.folder },
      }),
      onDrop: () => {},
    },
    output: () => kept?.text(),
    denials,
    async finish(well) {
      if (tally && options.audit) tally.write(resolve(services.folder, options.audit));
      else if (tally) await caller.stdio.stderr.write(new TextEncoder().encode(tally.table()));
      chance?.finish(well);
    },
  };
};

/** argv[0], as a shell would give it: the file's name. */
const programName = (identifier: string): string => identifier.split(/[/\\]/).at(-1) || identifier;

const bounded = (texts: readonly (string | undefined)[]): void => {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? "") + 1, 0);
  if (bytes > limits.argumentsBytesMax)
    throw fault(
      "LK0204",
      `Arguments and environment are ${bytes} bytes; the limit is ${limits.argumentsBytesMax}`,
    );
};

class KeptOutput implements OutputSink {
  readonly isTerminal = false;
  readonly #identifier: string;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(identifier: string) {
    this.#identifier = identifier;
  }

  write(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > limits.capturedBytesMax)
      throw fault(
        "LK0204",
        `${this.#identifier} wrote more than the ${limits.capturedBytesMax} bytes that --json keeps`,
        { hint: `loop run ${this.#identifier}` },
      );
    this.#chunks.push(bytes.slice());
  }

  flush(): void {}

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
