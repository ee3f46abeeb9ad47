import { resolve } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { Exchanges, needsWord } from "./exchanges.ts";
import type { Member } from "./graph.ts";
import { Heard } from "./heard.ts";
import { Lookout } from "./lookout.ts";
import { Placed } from "./placed.ts";
import type { Registered } from "./registry.ts";
import type { Built, Event, SessionServices, Workspace } from "./services.ts";
import { type Line, localTime, type Voices } from "./voices.ts";

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
  readonly #placed: Placed;
  readonly #exchanges: Exchanges;
  readonly #heard = new Heard();
  readonly #end = new AbortController();
  readonly #events: Event[] = [];
  readonly #failing = new Set<string>();
  #offered = "[]";
  /** What members were built from, by their names. */
  readonly #inputs = new Map<string, readonly string[]>();
  readonly #lookout: Lookout;
  /** What was told of what is looked at. */
  #watching = "";
  /** What was brought in of each member, by its name. */
  readonly #taken = new Map<string, Pick<Built, "component" | "digest">>();
  #graph: Workspace | undefined;
  #running: Running | undefined;
  #round: Promise<void> | undefined;
  #again = false;
  /** Something stands where nothing stood, or another, and nobody has looked at its file since. */
  #isPlacedAnew = false;
  /** All that was begun has ended. */
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #ending = Promise.withResolvers<void>();
  /** When the first change of the round to come was seen, and of the one that goes on. */
  #changedMs = 0;
  #roundMs = 0;
  #wake: (() => void) | undefined;

  constructor(folder: string, services: SessionServices, voices: Voices) {
    this.#folder = folder;
    this.#services = services;
    this.#voices = voices;
    this.#lookout = new Lookout(folder, () => this.#changed());
    const { places } = services;
    const exchanges = new Exchanges({
      places,
      explain: (error) => services.explain(error),
      tell: (tag, val) => this.#tell(tag, val),
      changedMs: () => this.#roundMs,
      placedAnew: () => this.#placedAnew(),
      isStopping: () => this.#running?.stop.signal.aborted === true,
    });
    this.#exchanges = exchanges;
    this.#placed = new Placed({
      places,
      folder,
      isBuilt: (identifier) => this.#isBuilt(identifier),
      swap: (place, identifier, again) => exchanges.swap(place, identifier, identifier, again),
      failed: (place, identifier, error) => exchanges.missed(place, identifier, error),
      settled: (place, identifier) => exchanges.settled(place, identifier),
    });
  }

  /** Faults: those of the first look at the workspace; later ones are events. */
  async start(): Promise<void> {
    this.#graph = await this.#services.scan(this.#folder);
    this.#exchanges.listen();
    this.#voices.listen({ line: (line) => this.#line(line), typing: (is) => this.#tell("typing", is) });
    const unlisten = this.#services.onResize(() => this.#tell("resized", undefined));
    this.#end.signal.addEventListener("abort", unlisten);
    this.#follow();
    this.#offer(this.#graph.commands);
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
    this.#lookout.close();
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

  /** Looks at what there is now, and tells of it where it is other than before. */
  #follow(): void {
    const { members, application } = this.#graph!;
    const placed = this.#placed.files;
    this.#lookout.look({ members, inputsOf: (name) => this.#inputs.get(name) ?? [], placed });
    const watching = { members: members.map(({ name }) => name), by: this.#lookout.how, application };
    if (JSON.stringify(watching) === this.#watching) return;
    this.#watching = JSON.stringify(watching);
    this.#tell("watching", watching);
  }

  /** The workspace's commands, told where they are others than before. */
  #offer(commands: readonly Registered[]): void {
    const offered = JSON.stringify(commands);
    if (offered === this.#offered) return;
    this.#offered = offered;
    this.#tell("commands", [...commands]);
  }

  #changed(): void {
    if (this.#end.signal.aborted) return;
    if (!this.#again) this.#changedMs = performance.now();
    this.#again = true;
    this.#begin();
  }

  #placedAnew(): void {
    if (this.#end.signal.aborted) return;
    this.#isPlacedAnew = true;
    this.#begin();
  }

  #begin(): void {
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined;
      if (this.#isDue) this.#begin();
    });
  }

  get #isDue(): boolean {
    return (this.#again || this.#isPlacedAnew) && !this.#end.signal.aborted;
  }

  async #rounds(): Promise<void> {
    // Whoever puts something somewhere has more to do first.
    await Promise.resolve();
    while (this.#isDue) {
      const isChanged = this.#again;
      this.#again = false;
      this.#isPlacedAnew = false;
      this.#roundMs = isChanged ? this.#changedMs : performance.now();
      const graph = isChanged ? await this.#rescan() : undefined;
      if (graph) for (const member of graph.members) await this.#renew(member);
      await this.#renewPlaced();
      this.#exchanges.review();
      if (!this.#end.signal.aborted) this.#follow();
    }
  }

  /** Takes in what nobody here builds; what ran with it begins anew where it has ended. */
  async #renewPlaced(): Promise<void> {
    if (!this.#ended) {
      await this.#refill();
      await this.#placed.renew();
    } else if (this.#lacking !== undefined || this.#placed.hasChanged)
      await this.#restart(this.#application!);
  }

  get #application(): Member | undefined {
    const { members = [], application } = this.#graph ?? {};
    return members.find(({ name }) => name === application);
  }

  /** The workspace as it is now: members come and go with its loop.toml files. */
  async #rescan(): Promise<Workspace | undefined> {
    try {
      const graph = await this.#services.scan(this.#folder);
      this.#mended("");
      this.#graph = graph;
      this.#offer(graph.commands);
      return graph;
    } catch (error) {
      this.#failed("", error);
      return undefined;
    }
  }

  /** Builds one member where it is stale, and brings it in where its bytes are others than those that were. */
  async #renew(member: Member): Promise<void> {
    if (this.#end.signal.aborted) return;
    const { name } = member;
    let built: Built;
    try {
      built = await this.#services.build(member, () => this.#tell("building", { name }), this.#end.signal);
    } catch (error) {
      if (!this.#end.signal.aborted) this.#failed(name, error);
      return;
    }
    this.#mended(name);
    const { component, digest, durationMs, warnings } = built;
    this.#inputs.set(name, built.inputs);
    if (built.built)
      this.#tell("built", { name, component, digest, ms: durationMs, warnings: [...warnings] });
    const before = this.#taken.get(name);
    const isSame = before?.digest === digest && before.component === component;
    if (isSame && !this.#mustStart(member) && !this.#isReset(member)) return;
    this.#taken.set(name, { component, digest });
    await this.#takeIn(member, component, before?.component ?? component);
  }

  /** The application runs at first, and again after it ended once something has changed. */
  #mustStart(member: Member): boolean {
    return member === this.#application && this.#running === undefined && !this.#ended;
  }

  #ended = false;
  /** What it failed with at its start for want of a person's word. */
  #lacking: string | undefined;

  /** Most of what loop.toml says of the application is heard at its start alone. */
  #isReset(member: Member): boolean {
    if (member !== this.#application) return false;
    const inUse = this.#ended ? [] : this.#services.places.names;
    return this.#heard.isPast(this.#services.settings(this.#folder), inUse);
  }

  /** What a loop.toml chooses now for slots that are in use; the members that it may name are built. */
  async #refill(): Promise<void> {
    const chosen = this.#heard.take(this.#services.settings(this.#folder));
    if (chosen.length > 0) await this.#exchanges.choose(chosen, () => this.#services.refill());
  }

  /** Puts it wherever what it was known by `before` stands. */
  async #takeIn(member: Member, component: string, before: string): Promise<void> {
    const { places } = this.#services;
    const isApplication = member === this.#application;
    if (this.#isReset(member)) return this.#restart(member);
    const standing = (place: string) =>
      places.at(place).find(({ identifier }) => this.#isAt(identifier, before))?.identifier;
    const used = places.names.filter((place) => standing(place) !== undefined);
    for (const place of used) {
      const instead = standing(place)!;
      const identifier = component === before ? instead : component;
      // What went wrong was told by whoever listens.
      const swapped = await this.#exchanges.swap(place, identifier, instead).catch(() => []);
      for (const { to } of swapped) this.#requireBuilt(member.name, to);
    }
    // A program that is one long call cannot change in the middle: it begins anew.
    if (isApplication && used.length === 0) await this.#restart(member);
    else if (!isApplication && used.length === 0 && this.#ended && this.#usedByApplication(member))
      await this.#restart(this.#application!);
  }

  /** Where somebody else has built it meanwhile, as it is now is for another round to say. */
  #requireBuilt(name: string, running: Digest): void {
    const taken = this.#taken.get(name);
    if (!taken || taken.digest === running) return;
    this.#taken.delete(name);
    this.#changed();
  }

  /** Whether an identifier names the same as a component's path or identifier does. */
  #isAt(identifier: string, component: string): boolean {
    return identifier === component || resolve(this.#folder, identifier) === component;
  }

  /** Whether it is what a member is built to, or stands for that. */
  #isBuilt(identifier: string): boolean {
    const { members = [] } = this.#graph ?? {};
    const standing = members.flatMap(({ name }) => this.#taken.get(name) ?? []);
    return [...members, ...standing].some(({ component }) => this.#isAt(identifier, component));
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
    this.#placed.begin();
    this.#exchanges.clear();
    this.#heard.begin(this.#services.settings(this.#folder));
    const runs = this.#services.run(
      component,
      (digest) => {
        this.#lacking = undefined;
        this.#tell("started", { name, digest, time: localTime() });
        this.#requireBuilt(name, digest);
      },
      stop.signal,
    );
    const running: Running = {
      member,
      stop,
      ends: runs.then(
        (exitCode) => this.#over(running, () => this.#tell("ended", { name, exitCode, time: localTime() })),
        (error: unknown) => this.#over(running, () => this.#fell(name, error)),
      ),
    };
    this.#running = running;
  }

  /** It ended by itself; what we stopped ourselves is no news. */
  #over(running: Running, tell: () => void): void {
    if (this.#running === running) this.#running = undefined;
    if (running.stop.signal.aborted) return;
    this.#ended = true;
    this.#exchanges.clear();
    tell();
  }

  #failed(name: string, error: unknown): void {
    this.#failing.add(name);
    this.#tellFailed(name, error, false);
  }

  /**
   * No build mends what ran: that it runs again does. What lacks a person's word is tried again whenever one is given,
   * and told of once.
   */
  #fell(name: string, error: unknown): void {
    const lacking = needsWord(error) ? error.message : undefined;
    if (lacking === undefined || lacking !== this.#lacking) this.#tellFailed(name, error, true);
    this.#lacking = lacking;
    // A loop.toml that does not read is told of by the next round.
    if (lacking !== undefined) this.#services.refill().catch(() => {});
  }

  #tellFailed(name: string, error: unknown, ended: boolean): void {
    const { code, message } = error instanceof Fault ? error : { code: "", message: `${error}` };
    this.#tell("failed", { name, report: this.#services.explain(error), code, message, ended });
  }

  #mended(name: string): void {
    if (this.#failing.delete(name)) this.#tell("mended", name);
  }
}
