// Slots: named holes, what may fill them and what does. Owns declarations, the order of precedence, the choices
// that people make and their memory; refuses to know any member or to load a component itself (looking into
// one is handed in); called by the composition root and by the provider of `loop:slots`.
import type { Digest } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { nearest } from "../base/suggest.ts";
import { shellWord } from "../base/word.ts";
import { matchInterface } from "../contract/semver.ts";
import { settleTexts } from "../trust/settle.ts";
import type { TrustClass } from "../trust/verify.ts";
import { lastingTexts } from "../trust/written.ts";
import {
  absoluteIdentifier,
  type Filling,
  isFamily,
  isMemberOf,
  type SlotDeclaration,
} from "./declaration.ts";
import type { Memory, Past } from "./memory.ts";
import { type Decision, decide, pinned } from "./precedence.ts";
import type { Source } from "./source.ts";

/** What looking into a component tells about it as a filling. */
export interface Examination {
  readonly digest: Digest;
  readonly trust: TrustClass;
  /** What keeps it from fitting the contract, a sentence each; empty where it fits. */
  readonly differences: readonly string[];
  /** What it says of itself, as JSON, to be remembered with it. */
  readonly description?: string;
}

/** Resolves, loads and compares; its faults pass through. */
export type Examine = (identifier: string, slot: SlotDeclaration) => Promise<Examination>;

export interface SlotsOptions {
  /** Those of loop itself and then those of applications, nearest first: the first of a name counts. */
  readonly declarations: readonly SlotDeclaration[];
  /** In any order: each knows its place in the order of precedence. */
  readonly sources: readonly Source[];
  readonly memory: Memory;
  readonly examine: Examine;
  /** What stands for a component that is named here, while it is developed; the same where nothing does. */
  readonly meaning?: ((identifier: string) => string) | undefined;
}

/** The slots that there are for one folder, and what fills them. */
export class Slots {
  readonly #declared = new Map<string, SlotDeclaration>();
  readonly #sources: readonly Source[];
  readonly #memory: Memory;
  readonly #examine: Examine;
  readonly #meaning: ((identifier: string) => string) | undefined;

  /** Faults: LK0410 where an application declares a slot that loop has. */
  constructor({ declarations, sources, memory, examine, meaning }: SlotsOptions) {
    this.#sources = [...sources, memory.source];
    this.#memory = memory;
    this.#examine = examine;
    this.#meaning = meaning;
    for (const slot of declarations) this.#declare(slot);
  }

  #declare(slot: SlotDeclaration): void {
    const there = this.#declared.get(slot.name) ?? (slot.scope === "" ? undefined : this.#family(slot.name));
    if (!there) this.#declared.set(slot.name, slot);
    else if (there.scope === "" || there.scope === slot.scope)
      throw fault("LK0410", `${slot.place}: The slot ${slot.name} is already declared (${there.place})`, {
        hint: "give it another name, or leave out its contract to choose a filling",
      });
  }

  /** The declaration of a slot, for a family's member that of the family under the member's name. Faults: LK0401. */
  find(name: string): SlotDeclaration {
    const declared = this.#declared.get(name);
    if (declared && !isFamily(name)) return declared;
    const family = this.#family(name);
    if (family) return { ...family, name };
    throw this.#unknown(name);
  }

  #family(name: string): SlotDeclaration | undefined {
    return [...this.#declared.values()].find((slot) => isMemberOf(name, slot.name));
  }

  #unknown(name: string) {
    const known = this.#names();
    const near = nearest(name, known);
    return fault(
      "LK0401",
      `There is no slot ${name}; there are: ${[...known, ...this.#families()].join(", ")}`,
      {
        hint: near ? `did you mean ${near}?` : "loop slot list",
      },
    );
  }

  #families(): string[] {
    return [...this.#declared.keys()].filter(isFamily).sort();
  }

  /** Every slot by name: the declared ones, and the members of families that some source speaks of. */
  #names(): string[] {
    const names = new Set([...this.#declared.keys()].filter((name) => !isFamily(name)));
    for (const family of this.#declared.values())
      if (isFamily(family.name))
        for (const source of this.#sources)
          for (const name of source.names(family.scope)) if (isMemberOf(name, family.name)) names.add(name);
    return [...names].sort();
  }

  /** What fills every slot, by name in order. Faults of single slots are in their decisions. */
  list(): Decision[] {
    return this.#names().map((name) => this.explain(name));
  }

  /** What fills a slot, who says so and why the others do not. Faults: LK0401. */
  explain(name: string): Decision {
    const decision = decide(this.find(name), this.#sources);
    const meaning = this.#meaning;
    if (!meaning) return decision;
    const meant = (fillings: readonly Filling[]): Filling[] =>
      fillings.map((filling) => ({ ...filling, identifier: meaning(filling.identifier) }));
    return {
      ...decision,
      fillings: meant(decision.fillings),
      opinions: decision.opinions.map((opinion) => ({ ...opinion, fillings: meant(opinion.fillings) })),
    };
  }

  /**
   * What fills a slot, for using it. Faults: LK0401, LK0407 where it is empty and somebody has to answer, and whatever
   * a source says that the declaration does not allow (LK0403, LK0411, LK0502, LK0503).
   */
  use(name: string): Decision {
    const decision = this.explain(name);
    if (decision.fault) throw decision.fault;
    // The joined lists of nobody are a list too.
    if (decision.fillings.length > 0 || decision.slot.combination === "all") return decision;
    throw fault(
      "LK0407",
      `The slot ${name} has no filling; one that exports ${decision.slot.contract} was looked for`,
      {
        hint: `loop slot set ${name} ./component.wasm`,
      },
    );
  }

  /**
   * The application's slot whose contract is this interface, in any compatible version: it serves such an import.
   * Of several the first declared. loop's own slots serve none: they are dispatched to by name.
   */
  serving(interfaceName: string): SlotDeclaration | undefined {
    return [...this.#declared.values()].find(
      ({ name, contract, scope }) =>
        scope !== "" && !isFamily(name) && matchInterface(interfaceName, [contract]) !== undefined,
    );
  }

  /** Slots that a source speaks of and nobody declares, with the nearest name that exists. */
  strays(): {
    readonly name: string;
    readonly source: Source["name"];
    readonly nearest: string | undefined;
  }[] {
    const known = this.#names();
    const isKnown = (name: string) => this.#declared.has(name) || this.#family(name) !== undefined;
    return this.#sources.flatMap((source) =>
      [...source.names("")]
        .filter((name) => !isKnown(name))
        .map((name) => ({ name, source: source.name, nearest: nearest(name, known) })),
    );
  }

  /**
   * Remembers what fills a slot from now on, after looking into each component. Relative paths are `cwd`'s. A
   * source above memory may still overrule it: the decision says so.
   * Faults: LK0401, LK0402, LK0403, LK0408, LK0411, LK0702, and those of resolving and remembering.
   */
  async set(
    name: string,
    identifiers: readonly string[],
    { grants = [], cwd }: { grants?: readonly string[]; cwd: string },
  ): Promise<Decision> {
    const slot = this.find(name);
    if (slot.policy === "core") throw pinned(slot);
    if (slot.combination === "one" && identifiers.length > 1)
      throw fault("LK0411", `${identifiers.length} fillings are named for ${name}, which takes one`, {
        hint: `loop slot set ${name} ${shellWord(identifiers[0]!)}`,
      });
    if (identifiers.length > limits.fillingsMax)
      throw fault(
        "LK0411",
        `${identifiers.length} fillings are named for ${name}; the limit is ${limits.fillingsMax}`,
      );
    const lasting = lastingTexts(grants, cwd);
    // What could not be granted must not be remembered either.
    settleTexts(lasting, {});
    const fillings: Filling[] = [];
    for (const text of new Set(identifiers))
      fillings.push(await this.#fit(slot, absoluteIdentifier(text, cwd), lasting));
    this.#memory.remember(slot, fillings);
    return this.explain(name);
  }

  async #fit(slot: SlotDeclaration, identifier: string, grants: readonly string[]): Promise<Filling> {
    const { digest, trust, differences, description } = await this.#examine(identifier, slot);
    if (differences.length > 0) throw misfit(slot, identifier, differences);
    if (slot.trust === "trusted" && trust === "untrusted")
      throw fault(
        "LK0408",
        `The slot ${slot.name} needs a trusted filling, and ${identifier} is not trusted`,
        {
          hint: `loop trust add ${shellWord(identifier)}`,
        },
      ).within({ slot: slot.name, component: identifier, phase: "fill", message: "Checking its trust" });
    return { identifier, grants, digest, ...(description !== undefined && { description }) };
  }

  /** What was remembered for a slot before, the last first. Faults: LK0401. */
  history(name: string): readonly Past[] {
    return this.#memory.history(this.find(name));
  }

  /** Brings back what was remembered before, and answers what fills the slot then. Faults: LK0401, LK0427. */
  rollBack(name: string): Decision {
    const slot = this.find(name);
    if (!this.#memory.rollBack(slot))
      throw fault("LK0427", `Nothing was chosen for ${name} before, so there is nothing to go back to`, {
        hint: `loop slot show ${name}`,
      });
    return this.explain(name);
  }

  /** Forgets what was remembered, and answers what fills the slot then. Faults: LK0401. */
  reset(name: string): Decision {
    this.#memory.forget(this.find(name));
    return this.explain(name);
  }
}

const shownMax = 3;

const misfit = ({ name, contract }: SlotDeclaration, identifier: string, differences: readonly string[]) => {
  const more = differences.length - shownMax;
  const shown = differences.slice(0, shownMax).join("; ") + (more > 0 ? `; and ${more} more` : "");
  return fault(
    "LK0402",
    `${identifier} does not fit the slot ${name}, whose contract is ${contract}: ${shown}`,
    {
      hint: `loop inspect ${shellWord(identifier)} --wit`,
    },
  ).within({ slot: name, component: identifier, phase: "fill", message: "Comparing it with the contract" });
};
