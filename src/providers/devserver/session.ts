import { resolve } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Places, SwapEvent } from "../../host/places.ts";
import { type Graph, type Member, realFolder } from "./graph.ts";
import { type Line, localTime, type Voices } from "./voices.ts";
import { Watch } from "./watch.ts";

/** `loop:devserver/session#event` in the JS mapping. */
export interface Event {
  readonly tag: string;
  readonly val: unknown;
}

export interface Built {
  readonly component: string;
  readonly digest: Digest;
  readonly built: boolean;
  readonly durationMs: number;
  readonly warnings: readonly string[];
}

/** What a session needs of whoever can. */
export interface SessionServices {
  scan(folder: string): Promise<Graph>;
  /** Builds what is stale; `begins` is called where something is. */
  build(folder: string, begins: () => void, signal: AbortSignal): Promise<Built>;
  /** Runs the application until it ends or is stopped; its exit code. `starts` hears the digest that runs. */
  run(identifier: string, starts: (digest: Digest) => void, signal: AbortSignal): Promise<number>;
  /** What the application runs by besides its bytes, in a text that differs where that does: its loop.toml. */
  settings(folder: string): string;
  readonly places: Places;
  explain(error: unknown): string;
  /** Tells when the terminal has another size, until the answer is called. */
  onResize(resized: () => void): () => void;
}

/** The running application. */
interface Running {
  readonly member: Member;
  readonly stop: AbortController;
  readonly ends: Promise<void>;
}

/**
 * Builds, runs, watches, and takes in what changes. One round at a time: builds all that is stale, in order, and then
 * brings in what became of it; a change that is seen meanwhile begins another round.
 */
export class Session {
  readonly #services: SessionServices;
  readonly #folder: string;
  readonly #voices: Voices;
  readonly #end = new AbortController();
  readonly #events: Event[] = [];
  readonly #failing = new Set<string>();
  /** Digests that were brought in, by the component's path. */
  readonly #taken = new Map<string, Digest>();
  #graph: Graph | undefined;
  #watch: Watch | undefined;
  #running: Running | undefined;
  #round: Promise<void> | undefined;
  #again = false;
  /** All that was begun has ended. */
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #ending = Promise.withResolvers<void>();
  #changedMs = 0;
  #wake: (() => void) | undefined;

  constructor(folder: string, services: SessionServices, voices: Voices) {
    this.#folder = folder;
    this.#services = services;
    this.#voices = voices;
  }

  /** Faults: those of the first look at the workspace; later ones are events. */
  async start(): Promise<void> {
    this.#graph = await this.#services.scan(this.#folder);
    this.#services.places.listen((event) => this.#swapped(event));
    this.#voices.listen({ line: (line) => this.#line(line), typing: (is) => this.#tell("typing", is) });
    const unlisten = this.#services.onResize(() => this.#tell("resized", undefined));
    this.#end.signal.addEventListener("abort", unlisten);
    this.#follow(this.#graph);
    this.#changed();
  }

  /** The next event; undefined at the end. */
  async next(): Promise<Event | undefined> {
    while (this.#events.length === 0) {
      this.#voices.shown();
      if (this.#failure) throw this.#failure.error;
      if (this.#stopped) {
        this.#voices.close();
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const event = this.#events.shift()!;
    if (event.tag === "log") this.#voices.taken();
    return event;
  }

  /** Resolves when all that was begun has ended. */
  get stopped(): Promise<void> {
    return this.#ending.promise;
  }

  /** Does not wait any longer for what is ending. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake?.();
  }

  /** Ends what runs and what is built, and lets `next` answer that it is over. */
  async stop(): Promise<void> {
    this.#watch?.close();
    this.#end.abort();
    this.#voices.hurry();
    this.#running?.stop.abort();
    await this.#running?.ends;
    // A builder need not listen: what it writes, it writes whole or not at all.
    await Promise.race([this.#round, Bun.sleep(limits.devBuildEndMs)]);
    this.#stopped = true;
    this.#ending.resolve();
    this.#wake?.();
  }

  #tell(tag: string, val: unknown): void {
    this.#events.push({ tag, val });
    this.#wake?.();
  }

  /** Lines that come together are told together. */
  #line(line: Line): void {
    const last = this.#events.at(-1);
    if (last?.tag === "log") (last.val as Line[]).push(line);
    else this.#tell("log", [line]);
  }

  #follow({ members }: Graph): void {
    this.#watch?.close();
    // A member inside of another is seen by that one's watch.
    const folders = [...new Set(members.flatMap(({ watched }) => watched).map(realFolder))].filter(
      (folder, _, all) => !all.some((other) => other !== folder && folder.startsWith(`${other}/`)),
    );
    this.#watch = new Watch(folders, () => this.#changed());
    this.#tell("watching", [members.map(({ name }) => name), this.#watch.how]);
  }

  #changed(): void {
    if (this.#end.signal.aborted) return;
    this.#again = true;
    this.#changedMs = performance.now();
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined;
    });
  }

  async #rounds(): Promise<void> {
    while (this.#again && !this.#end.signal.aborted) {
      this.#again = false;
      const graph = await this.#rescan();
      if (graph) for (const member of graph.members) await this.#renew(member);
    }
  }

  /** The workspace as it is now: members come and go with its loop.toml files. */
  async #rescan(): Promise<Graph | undefined> {
    try {
      const graph = await this.#services.scan(this.#folder);
      this.#mended("");
      const key = ({ members }: Graph) =>
        JSON.stringify(members.map(({ folder, watched }) => [folder, watched]));
      if (this.#graph && key(graph) !== key(this.#graph)) this.#follow(graph);
      this.#graph = graph;
      return graph;
    } catch (error) {
      this.#failed("", error);
      return undefined;
    }
  }

  /** Builds one member where it is stale, and brings it in where its bytes are others than those that were. */
  async #renew(member: Member): Promise<void> {
    if (this.#end.signal.aborted) return;
    const { name, folder } = member;
    let built: Built;
    try {
      built = await this.#services.build(folder, () => this.#tell("building", { name }), this.#end.signal);
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failed(name, error);
      return;
    }
    this.#mended(name);
    const { component, digest, durationMs, warnings } = built;
    if (built.built)
      this.#tell("built", { name, component, digest, ms: durationMs, warnings: [...warnings] });
    if (this.#taken.get(component) === digest && !this.#mustStart(member) && !this.#isReset(member)) return;
    this.#taken.set(component, digest);
    await this.#takeIn(member, built);
  }

  /** The application runs at first, and again after it ended once something has changed. */
  #mustStart(member: Member): boolean {
    return member.name === this.#graph?.application && this.#running === undefined && !this.#ended;
  }

  #ended = false;
  /** The settings of what runs, or ran last. */
  #settings: string | undefined;

  /** What loop.toml says of the application is heard at its start alone. */
  #isReset(member: Member): boolean {
    if (member.name !== this.#graph?.application || this.#settings === undefined) return false;
    return this.#services.settings(this.#folder) !== this.#settings;
  }

  async #takeIn(member: Member, { component }: Built): Promise<void> {
    const { places } = this.#services;
    const isApplication = member.name === this.#graph?.application;
    if (this.#isReset(member)) return this.#restart(member);
    const used = places.names.filter((place) =>
      places.at(place).some(({ identifier }) => resolve(this.#folder, identifier) === component),
    );
    for (const place of used) {
      const { identifier } = places
        .at(place)
        .find((one) => resolve(this.#folder, one.identifier) === component)!;
      // What went wrong was told by whoever listens.
      await places.swap(place, { identifier }, identifier).catch(() => {});
    }
    // A program that is one long call cannot change in the middle: it begins anew.
    if (isApplication && used.length === 0) await this.#restart(member);
    else if (!isApplication && used.length === 0 && this.#ended && this.#usedByApplication(member))
      await this.#restart(this.#graph!.members.find(({ name }) => name === this.#graph!.application)!);
  }

  #usedByApplication({ name }: Member): boolean {
    const { members, application } = this.#graph!;
    return members.some((member) => member.name === application && member.uses.includes(name));
  }

  async #restart(member: Member): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.ends;
    if (this.#end.signal.aborted) return;
    const stop = new AbortController();
    const { name, component } = member;
    this.#ended = false;
    this.#settings = this.#services.settings(this.#folder);
    const runs = this.#services.run(
      component,
      (digest) => this.#tell("started", { name, digest, time: localTime() }),
      stop.signal,
    );
    const running: Running = {
      member,
      stop,
      ends: runs.then(
        (exitCode) => this.#over(running, () => this.#tell("ended", { name, exitCode, time: localTime() })),
        (error: unknown) => this.#over(running, () => this.#failed(name, error)),
      ),
    };
    this.#running = running;
  }

  /** It ended by itself; what we stopped ourselves is no news. */
  #over(running: Running, tell: () => void): void {
    if (this.#running === running) this.#running = undefined;
    if (running.stop.signal.aborted) return;
    this.#ended = true;
    tell();
  }

  #failed(name: string, error: unknown): void {
    this.#failing.add(name);
    const { code, message } = error instanceof Fault ? error : { code: "", message: `${error}` };
    this.#tell("failed", { name, report: this.#services.explain(error), code, message });
  }

  #mended(name: string): void {
    if (this.#failing.delete(name)) this.#tell("mended", name);
  }

  #swapped(event: SwapEvent): void {
    // Told by whoever follows what is chosen for slots.
    if ("arranged" in event) return;
    if ("failed" in event) {
      this.#tell("not-swapped", { place: event.place, report: this.#services.explain(event.failed) });
      return;
    }
    const { place, to, generation, state, parts } = event.swapped;
    this.#tell("swapped", {
      place,
      identifier: event.identifier,
      digest: to,
      generation,
      state,
      parts: parts.map(({ phase, ms }) => ({ phase, ms })),
      sinceChangeMs: performance.now() - this.#changedMs,
      time: localTime(),
    });
  }
}
