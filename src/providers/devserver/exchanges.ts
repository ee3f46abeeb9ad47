import type { Code } from "../../base/codes.ts";
import { Fault } from "../../base/fault.ts";
import type { Swapped } from "../../host/live.ts";
import type { Arranged, Places, SwapEvent } from "../../host/places.ts";
import { localTime } from "./voices.ts";

export interface ExchangesServices {
  readonly places: Places;
  explain(error: unknown): string;
  /** `loop:devserver/session#event`. */
  tell(tag: string, val: unknown): void;
  /** When the change was seen that the session is about to take in, by `performance.now`. */
  changedMs(): number;
  /** Something stands where nothing stood, or another. */
  placedAnew(): void;
  /** What runs is being stopped: what fails for that is no news. */
  isStopping(): boolean;
}

/** What is to come to a place, by identifiers, instead of what; neither where it is what a loop.toml chooses. */
interface Coming {
  readonly place: string;
  readonly identifier: string | undefined;
  readonly instead: string | undefined;
  /** It was tried and told of. */
  readonly again?: boolean;
}

/** Not trusted, not granted, and nobody chosen. */
const wordCodes: ReadonlySet<Code> = new Set(["LK0408", "LK0701", "LK0407"]);

/** Whether a person's word lets in what failed, and nothing else has to change. */
export const needsWord = (error: unknown): error is Fault =>
  error instanceof Fault && wordCodes.has(error.code);

/**
 * Swaps that a session wants, and what is told of swaps, whoever wanted them. One of the session's own that fails is
 * awaited until it comes or nobody wants it there any more; what another terminal asked for and did not get is not.
 */
export class Exchanges {
  readonly #services: ExchangesServices;
  readonly #underWay = new Map<string, Coming>();
  readonly #awaited = new Map<string, Coming>();
  /** Places that are filled as a loop.toml chooses now. */
  #choosing: readonly string[] = [];

  constructor(services: ExchangesServices) {
    this.#services = services;
  }

  /** From now on what happens is told. */
  listen(): void {
    const { places, placedAnew } = this.#services;
    places.listen((event) => this.#happened(event));
    places.observe(placedAnew);
  }

  /** Faults: as `Places.swap`; they were told. */
  async swap(place: string, identifier: string, instead: string, again = false): Promise<readonly Swapped[]> {
    const key = keyOf(place, identifier);
    this.#underWay.set(key, { place, identifier, instead, again });
    try {
      return await this.#services.places.swap(place, { identifier }, instead);
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** Fills places as a loop.toml chooses now: what does not come is awaited until it chooses otherwise. */
  async choose(places: readonly string[], fill: () => Promise<void>): Promise<void> {
    for (const place of places) this.settled(place, undefined);
    this.#choosing = places;
    try {
      await fill();
    } finally {
      this.#choosing = [];
    }
  }

  /** What is to come in the place of its own former self cannot even be read. */
  missed(place: string, identifier: string, error: unknown): void {
    this.#awaited.set(keyOf(place, identifier), { place, identifier, instead: identifier });
    this.#notSwapped(place, identifier, error, true);
  }

  /** What was awaited does not come: what stands is what is wanted. */
  settled(place: string, identifier: string | undefined): void {
    if (this.#awaited.delete(keyOf(place, identifier))) this.#services.tell("settled", { place, identifier });
  }

  /** Settles what would come in the place of what does not stand there any more. */
  review(): void {
    for (const { place, identifier, instead } of [...this.#awaited.values()]) {
      const standing = this.#services.places.at(place);
      if (identifier === undefined) continue;
      if (!standing.some((state) => state.identifier === identifier || state.identifier === instead))
        this.settled(place, identifier);
    }
  }

  /** What was awaited was of a run that is over. */
  clear(): void {
    this.#awaited.clear();
  }

  #happened(event: SwapEvent): void {
    if ("failed" in event) {
      if (!this.#services.isStopping()) this.#failed(event);
      return;
    }
    if ("arranged" in event) this.#arranged(event.arranged);
    else this.#swapped(event.swapped, event.identifier);
    // It may be of another file.
    this.#services.placedAnew();
  }

  #failed({ place, identifier, failed }: Extract<SwapEvent, { failed: unknown }>): void {
    const coming = this.#comingTo(place, identifier);
    if (coming) this.#awaited.set(keyOf(place, coming.identifier), coming);
    if (coming?.again && needsWord(failed)) return;
    this.#notSwapped(place, coming ? coming.identifier : identifier, failed, coming !== undefined);
  }

  /** What the session wants there; undefined where somebody else wants it. */
  #comingTo(place: string, identifier: string | undefined): Coming | undefined {
    if (this.#choosing.includes(place)) return { place, identifier: undefined, instead: undefined };
    return identifier === undefined ? undefined : this.#underWay.get(keyOf(place, identifier));
  }

  #swapped({ place, to, generation, state, parts }: Swapped, identifier: string): void {
    const key = keyOf(place, identifier);
    this.#awaited.delete(key);
    this.settled(place, undefined);
    this.#services.tell("swapped", {
      place,
      identifier,
      digest: to,
      generation,
      state,
      parts: parts.map(({ phase, ms }) => ({ phase, ms })),
      // Another terminal's has no change before it.
      sinceChangeMs: this.#comingTo(place, identifier)
        ? performance.now() - this.#services.changedMs()
        : parts.reduce((sum, { ms }) => sum + ms, 0),
      time: localTime(),
    });
  }

  #arranged({ place, fillings, added, removed, ms }: Arranged): void {
    this.settled(place, undefined);
    const after = { fillings: [...fillings], added: [...added], removed: [...removed] };
    this.#services.tell("arranged", { place, ...after, ms, time: localTime() });
  }

  #notSwapped(place: string, identifier: string | undefined, error: unknown, awaited: boolean): void {
    const { tell, explain } = this.#services;
    tell("not-swapped", { place, identifier, report: explain(error), awaited });
  }
}

const keyOf = (place: string, identifier: string | undefined): string => `${place}\n${identifier}`;
