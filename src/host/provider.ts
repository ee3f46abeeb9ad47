import type { Digest } from "../base/digest.ts";
import type { Interface } from "../contract/model.ts";
import type { Grants } from "../trust/grants.ts";
import type { TrustClass } from "../trust/verify.ts";
import type { Denial, WrittenGrant } from "../trust/written.ts";
import type { Audit } from "./audit.ts";
import type { Budget, InstanceLimits } from "./budget.ts";
import type { Chance } from "./chance.ts";
import type { Rank } from "./relay.ts";

/** Where an instance's standard streams go. The composition root gives the process's own; tests give buffers. */
export interface Stdio {
  readonly stdin: {
    /** Next bytes, at most `max`; an empty array only for `max` 0; undefined at the end. May wait. */
    read(max: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
    readonly isTerminal: boolean;
  };
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
}

export interface OutputSink {
  /**
   * Takes all of `bytes` (the callee copies what it keeps). A promise means that the sink is full and asks to
   * wait; throwing `ClosedPipe` means that nobody reads any more.
   */
  write(bytes: Uint8Array): void | Promise<void>;
  flush(): void | Promise<void>;
  readonly isTerminal: boolean;
}

/** Thrown by a sink whose reader has gone away (EPIPE); the guest sees `closed`, the process ends quietly. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

/** Thrown by `wasi:cli/exit` to unwind the guest; it carries the exit code and is no failure. */
export class GuestExit extends Error {
  override readonly name = "GuestExit";
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`Guest exited with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Something that a guest can wait for, in no WIT's words. */
export interface Event {
  /** Never waits; may start the work that will make it true. */
  ready(): boolean;
  /** Calls `wake` once `ready` may have become true, never before this returns; the answer stops listening. */
  listen(wake: () => void): () => void;
}

/**
 * What the providers of one instance make for each other. Siblings never import each other, yet a resource of
 * one may be handed out by another: whoever serves the resource's interface puts its maker here.
 */
export interface Shared {
  /** A `wasi:io/poll` pollable over an event; set by whoever serves `wasi:io/poll` to this instance. */
  pollable?: (event: Event) => object;
}

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: ReadonlyArray<readonly [string, string | number | bigint | boolean]>;
}

/** Where an instance's log goes. Records arrive within the limits; `write` never waits. */
export interface LogSink {
  /** The least level that is kept. */
  readonly level: LogLevel;
  write(record: LogRecord): void;
}

/** How an instance's windows are shown, as a person wrote it: paths are relative to `folder`. */
export interface ScreenSettings {
  readonly folder: string;
  /** On no screen at all. */
  readonly headless?: boolean;
  /** How many frames are made, "60". */
  readonly frames?: string | undefined;
  /** "60:picture.png", each. */
  readonly screenshots?: readonly string[];
  /** A script of events, and where to write one of what happens. */
  readonly input?: string | undefined;
  readonly record?: string | undefined;
  /** The library that shows windows. */
  readonly library?: string | undefined;
  /** The library with which a GPU draws into windows, or "off". */
  readonly webgpu?: string | undefined;
}

/** Where one component's words go, told apart from those of others. */
export interface Voice {
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly log: LogSink;
}

/** Everything a provider may know of the instance that it serves. Nothing global reaches a provider. */
export interface InstanceContext {
  readonly component: {
    readonly identifier: string;
    readonly digest: Digest;
    /** Set by the instance from the verified component; absent is untrusted. */
    readonly trust?: TrustClass;
    /** Set likewise, where that made it trusted: its signers, each with the package as which they signed it. */
    readonly signedAs?: readonly string[];
  };
  readonly args: readonly string[];
  readonly grants: Grants;
  readonly stdio: Stdio;
  /** Where its log goes; standard error, for a person, where this is absent. */
  readonly log?: LogSink;
  /** Where components are told apart: the voice of the one with an identifier. */
  readonly voiceOf?: (identifier: string) => Voice;
  /** Asks it to stop; the reason is "deadline" where its time ran out. */
  readonly stop?: AbortSignal;
  /** When it will be asked to stop, on the clock of `performance.now()`. */
  readonly deadlineMs?: number;
  /** What it is held to, over what its plan says. */
  readonly limits?: InstanceLimits;
  /** To a provider: what the instance has used up. From whoever makes an instance: that of the one it serves. */
  readonly budget?: Budget;
  /**
   * Told what was refused for want of a grant, where the guest learns it in its WIT's own way and may go on: for a
   * report at the end. Never throws.
   */
  readonly onDenied?: (denial: Denial) => void;
  /**
   * Asks the person for something that was not granted, at the moment of its use: true where the instance has it from
   * now on. Absent where nobody can be asked. May wait for as long as a person does.
   */
  readonly ask?: (grant: WrittenGrant) => Promise<boolean>;
  /** What the component says that it wants and was not granted: told when it looks for it. */
  readonly unmet?: readonly WrittenGrant[];
  /** Of an instance that takes another's place: that one's context, for providers that hand over what they hold. */
  readonly before?: InstanceContext;
  /** Of a component that stands in for a capability: the instance that it serves. */
  readonly caller?: InstanceContext;
  /** Of the same: where it stands among those that serve that instance. */
  readonly rank?: Rank;
  /** Told of every capability at the moment of its use; absent where nobody wants to know. */
  readonly audit?: Audit;
  /** Where clocks and randomness come from; the system where this is absent. */
  readonly chance?: Chance;
  /** How its windows are shown; on the person's screen where this is absent. */
  readonly screen?: ScreenSettings;
  /** Made by the instance, for its providers alone. */
  readonly shared?: Shared;
  /** Registers what must be let go when the instance is dropped; run last-in, first-out, each once. */
  onDrop(release: () => void): void;
}

/** An interface's implementation in jco's JS mapping: camelCase functions, PascalCase resource classes. */
export type InterfaceImplementation = Readonly<Record<string, unknown>>;

/** Implementations by the versioned interface names that their provider lists. */
export type Implementations = Readonly<Record<string, InterfaceImplementation>>;

/** An interface as a component imports it, and as whoever serves it spells it. */
export interface Wanted {
  readonly offered: string;
  readonly interface: Interface;
}

/** Why a provider cannot serve on this machine. */
export interface Absence {
  /** The rest of a sentence that begins with the provider's name: "finds no display: DISPLAY is not set". */
  readonly because: string;
  /** The command, or the few words, that help: "xvfb-run loop run app.wasm". */
  readonly help?: string;
}

/**
 * A capability as the host ships it. `instantiate` is called once per guest instance, so state made inside
 * it belongs to that instance alone.
 *
 * **Where it can serve.** A provider that needs something of the machine says so with `platforms` and `probe`. Both
 * are asked only when a component imports one of its interfaces, before anything of the component runs. Where it
 * cannot serve, the next provider that offers the interface does: several of one package, in the order of the app's
 * table, are the ordered fallbacks of its slot (`host:vulkan`, then `host:software`). A person puts them in another
 * order, or a component behind them, as with every slot: `use = ["host:software", "./soft.wasm"]`. Where nobody is
 * left, the component is refused before it starts with LK0703, which names the interface, the platform, why each
 * provider cannot, and its `help`. `loop slot explain provider:PACKAGE` and `loop inspect` show the same.
 */
export interface Provider {
  /** Its folder's name, used in reports ("wasi", "slots"), and as a filling of its slots: `host:wasi`. */
  readonly name: string;
  /** Versioned interfaces it implements: "wasi:cli/stdin@0.2.12". Older compatible imports match too. */
  readonly interfaces: readonly string[];
  /**
   * Functions that a world imports by themselves, outside of any interface, which it offers to everyone: "print".
   * In what `instantiate` answers they are functions under their names.
   */
  readonly functions?: readonly string[];
  /**
   * Functions that may answer with a promise and so suspend the guest through JSPI, unversioned:
   * "wasi:io/poll#[method]pollable.block". All others must answer at once. "*" is all of what it serves and joins.
   */
  readonly suspending: readonly string[] | "*";
  /** Interfaces of it that every guest has without a grant (the sandbox's default); "*" for all. */
  readonly defaultGranted: readonly string[] | "*";
  /** Platforms where it can serve at all, as `process.platform` spells them; all where this is absent. */
  readonly platforms?: readonly NodeJS.Platform[];
  /**
   * Whether this machine has what it needs: undefined where it has. Asked at most once a process (its answer is
   * kept by this function's identity, so make it once), and never of a guest that does not import it. It may load
   * libraries and take its time, and leaves nothing open that would keep the process alive. What it throws counts
   * as an absence.
   */
  readonly probe?: () => Absence | undefined | Promise<Absence | undefined>;
  /**
   * Of a slot that was emptied or narrowed: interfaces, unversioned, that nobody after it may serve, and why: the
   * rest of a sentence after "and". No provider of the host's has this.
   */
  readonly absent?: ReadonlyMap<string, string>;
  /**
   * Versioned interfaces of others whose resources it makes more of: its objects pass wherever those of whoever
   * serves the interface do.
   */
  readonly joins?: readonly string[];
  /** The provider of which this is a part: an instance has one implementation of both. */
  readonly of?: Provider;
  /**
   * Of one that passes calls on to whoever stands there: who serves in the end. What that needs a grant for, what comes
   * in a swap has to have been granted, whoever serves it now.
   */
  readonly end?: readonly Provider[];
  /** Keyed by the names in `interfaces`; `wanted` is what the component imports of those. */
  instantiate(
    context: InstanceContext,
    wanted?: readonly Wanted[],
  ): Implementations | Promise<Implementations>;
}
