import { limits } from "../../../base/limits.ts";
import type { IncomingContent } from "./body.ts";
import { failure } from "./failure.ts";
import type { FieldList } from "./fields.ts";
import { Later } from "./later.ts";

/** Where a body comes from: its next bytes, undefined at its end. It throws where the client goes away. */
export interface Arriving {
  next(): Promise<Uint8Array | undefined>;
  /** What followed the body; asked for at its end. */
  trailers(): FieldList | undefined;
  /** Nobody wants the rest. */
  cancel(): void;
}

/**
 * A body on its way from a client to a served component. Some of it is read before anyone asks for it, so that a
 * client who takes its time over a small body keeps no instance; the rest comes at the pace of its reader.
 */
export class Arrival implements IncomingContent {
  readonly trailers = new Later<FieldList | undefined>();
  readonly #from: Arriving;
  readonly #held: Uint8Array[] = [];
  #bytes = 0;
  #over = false;
  #failure: unknown;
  #pulling: Promise<void> | undefined;
  #wanted = false;
  #waitingSinceMs: number | undefined;

  constructor(from: Arriving) {
    this.#from = from;
  }

  /** Nothing more comes, whatever the reason. */
  get over(): boolean {
    return this.#over;
  }

  /** The client went away, or was given up, before its end. */
  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** How long its reader has waited for the client. */
  get stalledMs(): number {
    return this.#waitingSinceMs === undefined ? 0 : performance.now() - this.#waitingSinceMs;
  }

  /** Reads until it is over, `serveAheadBytesMax` lie here, or somebody reads it. */
  async ahead(): Promise<void> {
    while (!this.#over && !this.#wanted && this.#bytes < limits.serveAheadBytesMax) await this.#pull();
  }

  readonly source = {
    read: (max: number): Uint8Array | undefined | Promise<Uint8Array | undefined> => {
      this.#wanted = true;
      if (this.#bytes > 0) return this.#take(max);
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#over) return undefined;
      this.#waitingSinceMs ??= performance.now();
      return this.#pull().then(() => {
        this.#waitingSinceMs = undefined;
        return this.source.read(max);
      });
    },
  };

  discard(): void {
    this.#wanted = true;
    this.#drop();
    void (async () => {
      while (!this.#over) {
        await this.#pull();
        this.#drop();
      }
    })();
  }

  cancel(): void {
    this.#drop();
    if (this.#over) return;
    this.#end(failure("terminated", "the rest of the body was given up"));
    this.#from.cancel();
  }

  #pull(): Promise<void> {
    this.#pulling ??= this.#from
      .next()
      .then(
        (bytes) => {
          if (this.#over) return;
          if (bytes === undefined) return this.#end();
          this.#held.push(bytes);
          this.#bytes += bytes.length;
        },
        (error) =>
          this.#end(
            failure("terminated", "the client went away before the end of the body", { cause: error }),
          ),
      )
      .finally(() => {
        this.#pulling = undefined;
      });
    return this.#pulling;
  }

  #take(max: number): Uint8Array {
    const first = this.#held[0]!;
    const bytes = first.length <= max ? first : first.subarray(0, max);
    if (bytes === first) this.#held.shift();
    else this.#held[0] = first.subarray(max);
    this.#bytes -= bytes.length;
    return bytes;
  }

  #drop(): void {
    this.#held.length = 0;
    this.#bytes = 0;
  }

  #end(failed?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    if (failed === undefined) this.trailers.settle(this.#from.trailers());
    else {
      this.#failure = failed;
      this.trailers.fail(failed);
    }
  }
}

/** A body that is here whole, and nothing after it. */
export const wholeBody = (bytes: Uint8Array): IncomingContent => {
  let left = bytes;
  return {
    source: {
      read(max) {
        if (left.length === 0) return undefined;
        const first = left.subarray(0, max);
        left = left.subarray(first.length);
        return first;
      },
    },
    trailers: settled(),
    discard() {},
    cancel() {},
  };
};

export const noBody: () => IncomingContent = () => ({
  source: { read: () => undefined },
  trailers: settled(),
  discard() {},
  cancel() {},
});

const settled = (): Later<undefined> => {
  const later = new Later<undefined>();
  later.settle(undefined);
  return later;
};
