// loop:core: log and cancellation. Owns their WIT mapping; refuses nothing, as both are the sandbox's default,
// and bounds what a guest can say or hold; listed in the app's table.
import { fault } from "../../base/fault.ts";
import type { InstanceContext, LogLevel, LogRecord, LogSink, Provider } from "../../host/provider.ts";
import { rootSignal, type Signal } from "./cancellation.ts";
import { Logger, type WireField } from "./log.ts";
import { stderrSink } from "./sink.ts";

/** Hears what every component says, besides whoever the log goes to. */
export type LogTap = (component: string, record: LogRecord) => void;

const names = ["loop:core/log", "loop:core/cancellation", "loop:core/cancellation-poll", "loop:core/keeping"];

export const coreProvider = (tap?: LogTap): Provider => ({
  name: "core",
  interfaces: names.map((name) => `${name}@0.1.0`),
  suspending: [],
  defaultGranted: names,
  instantiate: (context) => ({
    "loop:core/log@0.1.0": log(context, tap),
    ...cancellation(context),
    // Names of types.
    "loop:core/keeping@0.1.0": {},
  }),
});

export const core = coreProvider();

const log = (context: InstanceContext, tap: LogTap | undefined) => {
  const { identifier } = context.component;
  const sink = context.log ?? stderrSink(context.stdio.stderr, { component: identifier });
  const logger = new Logger(tap ? tapped(sink, (record) => tap(identifier, record)) : sink);
  return {
    enabled: (level: LogLevel) => logger.enabled(level),
    write: (level: LogLevel, message: string, fields: readonly WireField[]) =>
      logger.write(level, message, fields),
  };
};

const tapped = (sink: LogSink, tap: (record: LogRecord) => void): LogSink => ({
  level: sink.level,
  write(record) {
    tap(record);
    sink.write(record);
  },
});

const cancellation = (context: InstanceContext) => {
  const root = rootSignal(context.stop, context.deadlineMs);
  context.onDrop(() => root.releaseAll());

  class Token {
    readonly signal: Signal;
    constructor(signal: Signal) {
      this.signal = signal;
    }
    isCancelled(): boolean {
      return this.signal.reason() !== undefined;
    }
    reason(): "cancelled" | "deadline" | undefined {
      return this.signal.reason();
    }
    remaining(): bigint | undefined {
      return this.signal.remainingNs();
    }
  }

  class Source {
    readonly #signal: Signal;
    constructor(parent: Token, timeoutNs: bigint | undefined) {
      this.#signal = parent.signal.child(timeoutNs);
    }
    token(): Token {
      return new Token(this.#signal);
    }
    cancel(): void {
      this.#signal.cancel("cancelled");
    }
    [Symbol.dispose](): void {
      this.#signal.release();
    }
  }

  return {
    "loop:core/cancellation@0.1.0": { Token, Source, current: () => new Token(root) },
    "loop:core/cancellation-poll@0.1.0": {
      Token,
      subscribe(token: Token): object {
        const pollable = context.shared?.pollable;
        if (!pollable)
          throw fault(
            "LK0301",
            `${context.component.identifier} waits for a token, and no provider makes pollables for it`,
          );
        return pollable(token.signal);
      },
    },
  };
};
