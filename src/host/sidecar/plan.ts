import { Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Func, Interface, Type } from "../../contract/model.ts";
import { cannotCross } from "../../contract/wrpc/encode.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { Instance } from "../instance.ts";
import type { LinkedPlan } from "../plan.ts";
import type { InstanceContext } from "../provider.ts";
import { exportsOf, resourcesOf } from "./call.ts";
import type { Start } from "./conversation.ts";
import { resourceKey } from "./handle.ts";
import { worldOf } from "./hello.ts";
import { Sidecar, type SidecarOptions } from "./sidecar.ts";

export interface SidecarPlanOptions extends Pick<SidecarOptions, "requireSame"> {
  readonly program: VerifiedComponent;
  /** The slot's name, for reports. */
  readonly slot: string;
  /** The interfaces that it has to serve. */
  readonly contracts: readonly Interface[];
  readonly start: Omit<Start, "stderr">;
  /** Milliseconds of a call, where the slot has a deadline. */
  readonly timeoutMs: number | undefined;
}

/** A plan of a program, to be used as that of a component is: each instance has a process of its own. Fault LK0402. */
export const planSidecar = (options: SidecarPlanOptions): LinkedPlan => {
  const { program, contracts } = options;
  const { identifier } = program;
  for (const contract of contracts) requireSayable(options, contract);
  return {
    component: program,
    world: worldOf(...contracts),
    suspends: true,
    ungranted: () => [],
    async instantiate(outer) {
      const before = outer.before && serving.get(outer.before);
      // The same program again is what a person does who changed what it reads: it stays, and is told.
      const same = before && nameOf(before.options) === nameOf(options) ? before.sidecar.share() : undefined;
      const sidecar = same ?? made(options, outer);
      try {
        await (same ? same.reload() : sidecar.begin());
      } catch (error) {
        sidecar.end();
        throw error instanceof Fault
          ? error.within({ component: identifier, phase: "instantiate", message: "Starting the program" })
          : error;
      }
      const served = [...contracts, ...extras.filter(({ name }) => sidecar.serves(name))];
      // A deadline is kept by the process that is ended for it, and the caller goes on.
      const { callMsMax: _, ...limited } = outer.limits ?? {};
      const instance = new Instance(
        program,
        worldOf(...served),
        { ...outer, limits: limited },
        () => sidecar.restarts,
      );
      serving.set(instance.context, { sidecar, options });
      instance.context.onDrop(() => sidecar.end());
      const { timeoutMs = limits.sidecarCallMsMax } = options;
      await instance.begin(async () => exportsOf(served, { identifier, sidecar, timeoutMs }));
      return instance;
    },
  };
};

/** What serves the instances that there are, by their contexts. */
const serving = new WeakMap<
  InstanceContext,
  { readonly sidecar: Sidecar; readonly options: SidecarPlanOptions }
>();

/** What tells one running program from another. */
const nameOf = ({ program, start: { file, folder, environment } }: SidecarPlanOptions): string =>
  JSON.stringify([program.digest, file, folder, environment]);

const made = (
  { program: { identifier }, contracts, requireSame, start }: SidecarPlanOptions,
  { stdio: { stderr } }: InstanceContext,
): Sidecar => new Sidecar({ identifier, contracts, extras, requireSame, start: { ...start, stderr } });

/** Resources of its own it has in its own hands; those of others mean nothing to it. */
const requireSayable = (
  { program: { identifier }, slot, contracts }: SidecarPlanOptions,
  contract: Interface,
): void => {
  const known = new Set(contracts.flatMap(resourcesOf).map(resourceKey));
  for (const func of contract.funcs.values()) {
    const types = [...func.params.map(({ type }) => type), func.result];
    const why = types
      .map((type) => cannotCross(type, (resource) => known.has(resourceKey(resource))))
      .find(Boolean);
    if (why !== undefined)
      throw fault(
        "LK0402",
        `${func.name} of ${contract.name} is about ${why}, which means nothing in another process, so ${identifier} cannot fill ${slot}`,
        { hint: `fill ${slot} with a component` },
      );
  }
};

const text: Type = { kind: "string" };
const bytes: Type = { kind: "list", element: { kind: "u8" } };
const refusable: Type = { kind: "result", ok: undefined, err: text };
const free = (name: string, params: Func["params"], result: Type): readonly [string, Func] => [
  name,
  { name, role: { role: "free" }, params, result, async: false },
];
const saved = [
  { name: "version", type: text },
  { name: "bytes", type: bytes },
];

/** What a swap asks of whoever can do it: a sidecar can as well. */
const extras: readonly Interface[] = [
  {
    name: "loop:core/handover@0.1.0",
    types: new Map(),
    funcs: new Map([
      free("save", [], { kind: "record", name: "saved", fields: saved }),
      free("restore", saved, refusable),
    ]),
  },
  {
    name: "loop:core/health@0.1.0",
    types: new Map(),
    funcs: new Map([free("check", [], refusable)]),
  },
];
