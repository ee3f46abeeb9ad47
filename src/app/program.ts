// The composition root: one invocation's options, slots, providers and services, put together. Owns which
// service reaches which provider; refuses to decide what is run (`dispatch` does); called by `start`.
import { join } from "node:path";
import { errno, Fault } from "../base/fault.ts";
import { cannotWrite } from "../base/files.ts";
import { limits } from "../base/limits.ts";
import type { Manifest } from "../base/manifest/manifest.ts";
import { currentFolder, dataFolder } from "../base/paths.ts";
import { stateFile } from "../base/state.ts";
import { Places } from "../host/places.ts";
import type { Provider, Stdio } from "../host/provider.ts";
import type { Registered } from "../providers/devserver/registry.ts";
import { Resolver } from "../resolve/resolver.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Slots } from "../slots/registry.ts";
import { Decisions } from "../trust/decisions.ts";
import { startWithCheapMemories } from "./again.ts";
import { type Ask, askOn } from "./ask.ts";
import { ownSlots, type ShippedCommand } from "./catalog.ts";
import { lackingOf, listCommands } from "./commands.ts";
import { Control } from "./control.ts";
import { fetcherOf, namedBy, openRemote, progressOn, saidOf, shippedSchemes } from "./fetching.ts";
import type { Following } from "./follow.ts";
import { Follower } from "./follower.ts";
import type { ListedCommand } from "./help.ts";
import { storageFolder, storageIdentity } from "./identity.ts";
import { interruptible } from "./interrupt.ts";
import { keyringHere, workspaceHere } from "./judge.ts";
import { isSidecar, type Linking, loadComponent, planRun } from "./link.ts";
import { providerMembers } from "./members.ts";
import { type GlobalOptions, globalOptions } from "./options.ts";
import { rememberBuilt, sourcesHere } from "./provenance.ts";
import { explainError } from "./report.ts";
import type { LookInto } from "./servers.ts";
import type { Services } from "./services.ts";
import type { ServingRequest } from "./serving.ts";
import { mayStyle } from "./style.ts";
import { type Development, migrationOf, openSlots, readTolerant } from "./workspace.ts";

/** Help is for reading, so it is wrapped even where it is piped. */
const columnsWithoutTerminal = 80;
const encoder = new TextEncoder();

export class Program implements Linking {
  readonly options: GlobalOptions;
  readonly shipped: ReadonlyMap<string, ShippedCommand>;
  /** The process's own; while a session of `loop dev` tells what is said, what it gives loop to speak through. */
  stdio: Stdio;
  /** Absolute: where the person stands. */
  readonly folder = currentFolder();
  readonly providers: readonly Provider[];
  readonly #follower = new Follower(() => this.#chosenElsewhere());
  readonly places = new Places(() => void this.#follower.begin());
  readonly resolver: Resolver;
  readonly #control = new Control(this.folder, this.places);
  #slots: Slots | undefined;
  #broken: Fault | undefined;
  #read: readonly Manifest[] | undefined;
  /** Absolute: the folder whose loop.toml files speak, where it is named and the person stands elsewhere. */
  #entered: string | undefined;
  /** A session of `loop dev` tells what happens. */
  #isDeveloping = false;
  /** What `loop dev` was told; undefined where nothing is developed, and while that is asked anew. */
  #development: Development | undefined;

  constructor(options: GlobalOptions, shipped: ReadonlyMap<string, ShippedCommand>, stdio: Stdio) {
    this.options = options;
    this.shipped = shipped;
    this.stdio = stdio;
    const { folder } = this;
    this.resolver = new Resolver({
      folder,
      policy: options,
      fetcherOf: (scheme) => fetcherOf(scheme, this.choosingCommands, this),
      schemes: shippedSchemes,
      remote: (policy) => openRemote(this.#manifests(), policy, folder, this.decisions),
      ...saidOf(() => this.#manifests()),
      progress: () => progressOn(this.stdio),
    });
    const services = this.#services();
    this.providers = providerMembers.map((member) => member(services));
  }

  /** With --builtin, memory that cannot be read stands in nobody's way: it grants nothing. */
  readonly decisions = (): Decisions => new Decisions(stateFile(), { forgiving: this.options.builtin });

  get linker() {
    return this.options.linker;
  }

  get styled(): boolean {
    return mayStyle(this.stdio.stdout.isTerminal, this.options.noColor);
  }

  get columns(): number {
    return this.terminalColumns || columnsWithoutTerminal;
  }

  /** Columns of the terminal; 0 where standard output is none. */
  get terminalColumns(): number {
    return this.stdio.stdout.isTerminal ? (process.stdout.columns ?? columnsWithoutTerminal) : 0;
  }

  /** Its rows; 0 where standard output is none, or one whose cursor cannot be moved. */
  get terminalRows(): number {
    return this.stdio.stdout.isTerminal && process.env.TERM !== "dumb" ? (process.stdout.rows ?? 0) : 0;
  }

  /** Questions may be asked: someone sits at both ends, and no JSON was asked for. */
  get interactive(): boolean {
    return this.stdio.stdin.isTerminal && this.stdio.stderr.isTerminal && !this.options.json;
  }

  /** Asks the person for a grant; undefined where nobody can answer. */
  get ask(): Ask | undefined {
    return this.interactive ? askOn(this.stdio, this.folder) : undefined;
  }

  /**
   * The slots here, opened when first asked for, without those of a loop.toml that does not read: for what a person
   * needs to put it right, and for what has no need of it. `finish` says so. Faults: LK0004.
   */
  readonly readableSlots = (): Slots => {
    this.#slots ??= this.#open();
    return this.#slots;
  };

  #open(): Slots {
    // One that did not read before may read now.
    this.#broken = undefined;
    return openSlots({
      folder: this.#entered ?? this.folder,
      cwd: this.folder,
      own: ownSlots(this.shipped, this.providers),
      flags: this.options.slots,
      environment: process.env,
      development: this.#development,
      examine: async (identifier, slot) => (await import("./examine.ts")).examine(identifier, slot, this),
      onBrokenManifest: (fault) => {
        this.#broken = fault;
      },
    });
  }

  /** Whether what the loop.toml at a path grants counts: agreed to, or not to be asked about. */
  readonly agrees = async (path: string): Promise<boolean> =>
    (await import("./agreement.ts")).agreedAt(path, this);

  /** The slots here, all of them; with --builtin those that read. Faults: LK0004, LK0410, LK05, LK0702. */
  readonly slots = (): Slots => {
    const slots = this.readableSlots();
    if (!this.#broken || this.options.builtin) return slots;
    const broken = this.#broken;
    this.#broken = undefined;
    this.#slots = undefined;
    throw broken;
  };

  /** The last word on an invocation: the loop.toml that it passed over, unless that is what it `failed` with. */
  async finish(failed?: unknown): Promise<void> {
    if (!this.#broken || (failed instanceof Fault && failed.message === this.#broken.message)) return;
    const { code, message, hint } = this.#broken;
    await this.say(`warning[${code}]: Passed over for now: ${message}\n${hint ? `hint: ${hint}\n` : ""}`);
  }

  /** What speaks for the folder, read when it is first asked for; with --builtin only what reads. */
  #manifests(): readonly Manifest[] {
    this.#read ??= readTolerant(this.#entered ?? this.folder, this.options.builtin);
    return this.#read;
  }

  /** The slots that choose what serves and builds; none with --builtin, whatever they say. Faults: those of `slots`. */
  get choosing(): Slots | undefined {
    return this.options.builtin ? undefined : this.slots();
  }

  /** The slots that choose commands and fetchers: a loop.toml that does not read must not stand in the way of all. */
  get choosingCommands(): Slots | undefined {
    return this.options.builtin ? undefined : this.readableSlots();
  }

  /** All commands. A dev server that cannot say which it has is told of, and hides no other. */
  async commands(): Promise<ListedCommand[]> {
    const slots = this.choosingCommands;
    return this.#listed(slots, (await this.#told(() => this.registered())) ?? []);
  }

  /** Those that can be known without starting anything, and who was not asked for more. */
  async stillCommands(): Promise<{ readonly commands: ListedCommand[]; readonly unasked?: string }> {
    const slots = this.choosingCommands;
    const here = slots && (await this.#told(async () => (await import("./registry.ts")).writtenHere(this)));
    const { registered = [], ...unasked } = here ?? {};
    return { commands: await this.#listed(slots, registered), ...unasked };
  }

  #listed(slots: Slots | undefined, registered: readonly Registered[]): Promise<ListedCommand[]> {
    return listCommands(this.shipped, slots, this.resolver.still, registered);
  }

  async #told<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // A loop.toml that does not read is told of at the end.
      if (!this.#broken)
        await this.say(`loop: The workspace's own commands are not known: ${error.message}\n`);
      return undefined;
    }
  }

  /** The workspace's own commands; none with --builtin. Faults: those of a loop.toml, and of what fills `devserver`. */
  async registered(): Promise<readonly Registered[]> {
    if (this.options.builtin) return [];
    return (await import("./registry.ts")).registeredHere(this);
  }

  /** A registered command as what fills its slot would be: it is granted nothing. Faults as `registered`. */
  async bring(command: Registered): Promise<Filling> {
    const { bring } = await import("./registry.ts");
    return { identifier: await bring(command, this, this.#services().build), grants: [] };
  }

  /** Writes to standard output. Faults: LK0006. */
  async write(text: string): Promise<void> {
    try {
      await this.stdio.stdout.write(encoder.encode(text));
    } catch (error) {
      throw errno(error) ? cannotWrite("standard output", error) : error;
    }
  }

  /** Says something to the person, on standard error. */
  async say(text: string): Promise<void> {
    await this.stdio.stderr.write(encoder.encode(text));
  }

  #services(): Services {
    const { folder } = this;
    return {
      core: {
        tap: this.#control.tap,
      },
      control: { folder },
      cli: {
        interactive: () => this.interactive,
        unseen: async (work) => (await import("./unseen.ts")).unseen(work),
        styled: () => this.styled,
        columns: () => this.terminalColumns,
        rows: () => this.terminalRows,
        commands: () => this.commands(),
        globalOptions,
      },
      pkg: {
        resolver: this.resolver,
        interruptible,
        named: () => namedBy(this.#manifests()),
        load: (identifier) => loadComponent(identifier, this, this.decisions()),
        serving: async (names) => (await import("./serving.ts")).servingHere(names, this.#serving()),
        sources: (component) => sourcesHere(component, folder, this.decisions()),
      },
      build: {
        folder,
        interruptible,
        enter: (folder) => this.#enter(folder),
        builderFor: async (language) =>
          (await import("./building.ts")).builderFor(language, this.choosing, this),
        remember: rememberBuilt,
      },
      trust: {
        folder,
        fetch: (identifier) => this.resolver.fetch(identifier),
        load: (identifier) => this.#loadSubject(identifier),
        decisions: () => new Decisions(),
        keyring: () => keyringHere(folder),
        workspace: () => workspaceHere(folder),
        environment: process.env,
        sources: (component) => sourcesHere(component, folder, this.decisions()),
      },
      process: { environment: process.env },
      gfx: {
        environment: process.env,
        desk: async () => (await import("../providers/window/desk.ts")).deskOf,
      },
      storage: { folder: storageFolder, identity: storageIdentity },
      run: {
        folder,
        grants: async (component, flags) => (await import("./grants.ts")).grantsFor(component, flags, this),
        asking: async (component, flags, stdio) => {
          const { ask } = this;
          if (!ask || flags.denyAll) return undefined;
          return (await import("./question.ts")).asking(component, ask, stdio);
        },
        plan: (identifier, limits) => {
          this.#control.begin();
          return planRun(identifier, this, limits);
        },
        hear: this.#control.hear,
        drawing: () => import("../providers/window/drive.ts"),
        swaps: {
          places: this.places,
          arrive: async (...arrival) =>
            (await import("./swaps.ts")).arriveApplication(this, migrationOf(this.#manifests()), ...arrival),
        },
        serve: async (plan, options) => (await import("../providers/wasi/serve.ts")).serve(plan, options),
        interruptible,
        explain: (error) => this.#explained(error),
        startWithCheapMemories,
      },
      devserver: {
        folder,
        interruptible,
        session: async ({ folder, options, address, voices }, caller) => {
          this.#enter(folder);
          this.#isDeveloping = true;
          // Each build and each swap makes memories. Before anything is looked at: it may not come back.
          await startWithCheapMemories();
          const { sessionServices } = await import("./developing.ts");
          const { build, run } = this.#services();
          this.stdio = voices.own();
          const how = { options: options as never, address, voices, caller };
          const reread = (speaking: string, development: Development | undefined) => {
            this.#development = development;
            this.#enter(speaking);
          };
          const refill = () => this.#follower.refill();
          return sessionServices({ linking: this, reread, refill, build, run, ...how });
        },
      },
      slots: {
        folder,
        slots: this.readableSlots,
        places: this.places,
        // A filling that chooses in the middle of a call waits for itself, so nobody waits for ever.
        taken: () => Promise.race([this.#follower.now(), Bun.sleep(limits.slotsTakenMsMax)]),
        wanted: lackingOf,
        servers: async (decision) =>
          (await import("./serving.ts")).servingSlot(decision, {
            providers: this.providers,
            lookInto: this.#lookInto,
          }),
      },
    };
  }

  /** What loop.toml files say is read anew, as if the person stood in the folder. */
  #enter(folder: string): void {
    this.#entered = folder;
    this.#slots = undefined;
    this.#read = undefined;
  }

  #serving(): ServingRequest {
    return {
      choosing: this.choosing,
      slots: this.slots,
      providers: this.providers,
      lookInto: this.#lookInto,
    };
  }

  /** What a person may trust: a component, or a program. */
  async #loadSubject(identifier: string) {
    if (!isSidecar(identifier)) return loadComponent(identifier, this, this.decisions());
    return (await import("./sidecars.ts")).loadSidecar(identifier, this.folder, this.decisions());
  }

  readonly #lookInto: LookInto = async ({ identifier }) => {
    // What a program serves it says when it is started, and looking starts nothing.
    if (isSidecar(identifier)) return [];
    const { readWorld } = await import("../contract/world.ts");
    const { component } = await loadComponent(identifier, this, this.decisions());
    return [...readWorld(component.bytes).exports.keys()];
  };

  /** What is chosen for its slots elsewhere while it runs; undefined where slots are not heard. */
  #chosenElsewhere(): Following | undefined {
    const slots = this.choosing;
    if (!slots) return undefined;
    return {
      places: this.places,
      providers: this.providers,
      path: join(dataFolder(), "loop.db"),
      slots,
      reopen: () => {
        this.#slots = this.#open();
        return this.#slots;
      },
      // A session has events of them.
      told: this.#isDeveloping,
      onWritten: () => this.places.reconsider(),
      say: (text) => void this.say(text),
      explain: (error) => this.#explained(error).text,
    };
  }

  #explained(error: unknown) {
    return explainError(error, mayStyle(this.stdio.stderr.isTerminal, this.options.noColor));
  }
}
