// The way of one request through one instance of a served component, and of its answer back. Owns who gets an
// instance and who loses it; refuses to know how requests come in; called by the listeners of serve.ts.
import { limits } from "../../base/limits.ts";
import type { Generations } from "./generations.ts";
import type { Answer, Respond } from "./p2/http.ts";
import type { Received } from "./p2/requests.ts";
import type { Pool } from "./pool.ts";
import type { Seat } from "./seat.ts";
import { Arrival } from "./state/arrival.ts";
import type { OutgoingContent } from "./state/body.ts";
import { FieldList } from "./state/fields.ts";

/** What a handler answered, or what is answered for it: then without fields and without a body. */
export type Outcome = Answer;

/** What happened to one request, for whoever keeps a log. */
export interface Handled {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** From the request's head to the answer's; bodies may go on. */
  readonly ms: number;
}

export interface Witness {
  /** What goes wrong in the component: its traps, which the client sees as status 500. */
  report(error: unknown): void;
  /** Told of each request that was answered; absent where nobody wants to know. */
  handled?: ((one: Handled) => void) | undefined;
}

/** What waits for a client and holds an instance meanwhile. */
interface Slow {
  stalledMs(): number;
  /** Lets its guest go on without it, as far as there is room. */
  relieve?(): void;
  /** The client is given up. */
  cut(): void;
}

/** A seat with whose it is: by the time it is given back, others may serve. */
interface Taken {
  readonly pool: Pool;
  readonly seat: Seat;
}

/** How often it is looked whether slow clients keep others waiting. */
const watchEveryMs = 100;
/** By how much an answer's room grows at once. */
const widenBytes = 1024 * 1024;

/** The way of requests through the instances of a component, whoever brings them. */
export class Serving {
  readonly #generations: Generations;
  readonly #witness: Witness;
  readonly #slow = new Set<Slow>();
  readonly #watching: ReturnType<typeof setInterval>;
  #pending = 0;
  /** Bytes by which the answers under way were widened. */
  #keptBytes = 0;
  #stopping = false;

  constructor(generations: Generations, witness: Witness) {
    this.#generations = generations;
    this.#witness = witness;
    this.#watching = setInterval(() => this.#watch(), watchEveryMs);
    this.#watching.unref();
  }

  /** Requests begun whose answers are not yet handed over whole. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether connections are to end with their answers. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** New requests are refused from now on. */
  stop(): void {
    this.#stopping = true;
  }

  close(): void {
    clearInterval(this.#watching);
  }

  /** The answer to a request. Whoever sends it takes its body by `sending`. Never throws. */
  async serve(received: Received): Promise<Outcome> {
    const startMs = performance.now();
    const { method, target } = received;
    const done = (outcome: Outcome): Outcome => {
      this.#witness.handled?.({ method, target, status: outcome.status, ms: performance.now() - startMs });
      return outcome;
    };
    if (this.#stopping) return done(bare(503));
    this.#pending++;
    try {
      const taken = await this.#takeFor(received);
      return done(taken ? await this.#handle(received, taken) : bare(408));
    } catch (error) {
      this.#witness.report(error);
      return done(bare(503));
    } finally {
      this.#pending--;
    }
  }

  /**
   * The body of an answer, piece by piece, at the pace of whoever takes it; undefined at its end. `broken` is told where
   * the client is given up.
   */
  sending(
    content: OutgoingContent,
    broken: () => void = () => {},
  ): {
    read(): Promise<Uint8Array | undefined>;
    cancel(): void;
  } {
    let waitingSinceMs: number | undefined = performance.now();
    this.#pending++;
    let over = false;
    let keptBytes = 0;
    const end = () => {
      if (over) return;
      over = true;
      this.#pending--;
      this.#keptBytes -= keptBytes;
      this.#slow.delete(slow);
    };
    const slow: Slow = {
      // Only what its guest waits for matters: a body that is whole holds no instance.
      stalledMs: () =>
        waitingSinceMs === undefined || content.queue.ended ? 0 : performance.now() - waitingSinceMs,
      relieve: () => {
        if (!content.queue.full || keptBytes + widenBytes > limits.serveKeptBytesMax) return;
        if (this.#keptBytes + widenBytes > limits.serveAllKeptBytesMax) return;
        keptBytes += widenBytes;
        this.#keptBytes += widenBytes;
        content.queue.widen(widenBytes);
      },
      cut: () => {
        content.queue.cancel();
        end();
        broken();
      },
    };
    this.#slow.add(slow);
    return {
      async read() {
        waitingSinceMs = undefined;
        try {
          const bytes = await content.queue.read(pieceBytes);
          if (!bytes) end();
          return bytes;
        } catch (error) {
          end();
          throw error;
        } finally {
          waitingSinceMs = performance.now();
        }
      },
      cancel() {
        content.queue.cancel();
        end();
      },
    };
  }

  /** An instance of what serves when it is asked for one. Undefined where the client went away before it had one. */
  async #takeFor({ content }: Received): Promise<Taken | undefined> {
    if (!(content instanceof Arrival)) return this.#take();
    const ahead = content.ahead();
    await within(ahead, limits.serveAheadMsMax);
    if (content.broken) return undefined;
    if (content.over) return this.#take();
    const { pool } = this.#generations.now;
    const place = pool.takeLong();
    void ahead.then(() => content.over && place.hurry());
    const seat = await place.seat;
    if (!content.broken) return { pool, seat };
    pool.give(seat, true);
    return undefined;
  }

  async #take(): Promise<Taken> {
    const { pool } = this.#generations.now;
    return { pool, seat: await pool.take() };
  }

  #handle(received: Received, { pool, seat }: Taken): Promise<Outcome> {
    const { content } = received;
    const slow: Slow | undefined =
      content instanceof Arrival && !content.over
        ? { stalledMs: () => content.stalledMs, cut: () => content.cancel() }
        : undefined;
    if (slow) this.#slow.add(slow);
    return new Promise((resolve) => {
      let answered: Answer | undefined;
      const respond: Respond = (answer) => {
        if (!("status" in answer)) return resolve(bare(statusOf(answer.tag)));
        answered = answer;
        // The guest goes on: when it next waits or ends, its body may be whole, and goes out in one piece.
        queueMicrotask(() => resolve(answer));
      };
      const finish = (healthy: boolean, error?: unknown) => {
        if (slow) this.#slow.delete(slow);
        content.cancel();
        if (!healthy) this.#witness.report(error);
        // Nobody is left to write the rest.
        if (answered?.content && !answered.content.queue.ended) answered.content.abandon();
        if (!answered) resolve(bare(500));
        pool.give(seat, healthy);
      };
      try {
        const call = seat.handle(received, respond);
        if (call instanceof Promise)
          call.then(
            () => finish(true),
            (error) => finish(false, error),
          );
        else finish(true);
      } catch (error) {
        finish(false, error);
      }
    });
  }

  /**
   * Where others wait for an instance, answers that are taken slowly are kept here as far as there is room, so that
   * their guests come to an end; and clients that have done nothing for long lose theirs.
   */
  #watch(): void {
    if (!this.#generations.exhausted) return;
    for (const slow of [...this.#slow])
      if (slow.stalledMs() > limits.serveStalledMsMax) slow.cut();
      else slow.relieve?.();
  }
}

const pieceBytes = 64 * 1024;

const bare = (status: number): Outcome => ({ status, fields: new FieldList(), content: undefined });

/** Until a promise is settled, and no longer than so many milliseconds. */
const within = async (promise: Promise<unknown>, ms: number): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
};

/** What an error-code that a handler answers with is to its client. */
const statusOf = (tag: string): number => {
  if (tag === "HTTP-request-denied") return 403;
  if (tag.startsWith("HTTP-request-")) return 400;
  return tag.startsWith("connection-") || tag.startsWith("destination-") || tag.startsWith("DNS-")
    ? 502
    : 500;
};
