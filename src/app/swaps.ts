import { limits } from "../base/limits.ts";
import type { Interface } from "../contract/model.ts";
import { decoded } from "../host/decoded.ts";
import type { Migrate, Saved } from "../host/handover.ts";
import type { RequireFit } from "../host/live.ts";
import type { Phases } from "../host/phases.ts";
import { type Arrival, comingLimits, succeeding, type Wish } from "../host/places.ts";
import { type LinkedPlan, link } from "../host/plan.ts";
import type { InstanceContext } from "../host/provider.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import { noGrants } from "../trust/grants.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import {
  arriving,
  grantsOf,
  isSidecar,
  type Linking,
  loadComponent,
  planApplication,
  planProgram,
} from "./link.ts";

// What comes into a place while it is used: by the same path that what stands there came, phase by phase.

export interface Arriving {
  readonly decision: Decision;
  /** What stood in the place at first, by its plan; what follows has its grants unless a wish says others. */
  fillingOf(plan: LinkedPlan): Filling;
  readonly linking: Linking;
  /** The interfaces that the place serves: a program is told what they are. */
  readonly contracts: readonly Interface[];
  plan(component: VerifiedComponent, filling: Filling): Promise<LinkedPlan>;
  contextOf(plan: LinkedPlan, filling: Filling, caller: InstanceContext): InstanceContext;
}

/** The filling that each plan was linked for, after the first. */
const fillings = new WeakMap<LinkedPlan, Filling>();

/** Faults: those of fetching, verifying, consenting and linking; LK0402 where it does not fit. */
export const arrive = async (
  arriving: Arriving,
  wish: Wish,
  instead: LinkedPlan | undefined,
  phases: Phases,
  requireFit: RequireFit,
): Promise<Arrival> => {
  const { decision, linking, contextOf } = arriving;
  // One more has what it was given itself, and may do without the rest, as at a start.
  const before: Filling = instead
    ? (fillings.get(instead) ?? arriving.fillingOf(instead))
    : { identifier: wish.identifier, grants: [] };
  const { made, next } = isSidecar(wish.identifier)
    ? await arriveProgram(arriving, wish, phases)
    : await arriveComponent(arriving, wish, before, phases, requireFit);
  fillings.set(made, next);
  const lackedBefore = (instead ?? made).ungranted(grantsOf(instead ? before : next));
  return {
    plan: made,
    lacks: (grants) => made.ungranted(grants).filter((name) => !lackedBefore.includes(name)),
    migrate: migrating(decision.migrate, linking),
    contextOf: (caller) => contextOf(made, next, caller),
  };
};

interface Arrived {
  readonly made: LinkedPlan;
  readonly next: Filling;
}

const arriveComponent = async (
  { linking, plan }: Arriving,
  wish: Wish,
  before: Filling,
  phases: Phases,
  requireFit: RequireFit,
): Promise<Arrived> => {
  const { identifier } = wish;
  const { component } = await loadComponent(identifier, linking);
  phases.enter("compare");
  requireFit(component, decoded(component).world);
  phases.enter("link");
  // Whose word its own grants are comes with them; without any it has those of what stood there, by the same word.
  const next = wish.grants ? fillingOf(wish, wish.grants) : { ...before, identifier };
  return { made: await plan(component, next), next };
};

/** A program inherits no grant: whether it may be started, a person says of it and of nothing before it. */
const arriveProgram = async (
  { decision, contracts, linking }: Arriving,
  wish: Wish,
  phases: Phases,
): Promise<Arrived> => {
  const next = fillingOf(wish, wish.grants ?? []);
  phases.enter("link");
  return { made: await planProgram(contracts, decision, next, linking), next };
};

const fillingOf = ({ identifier, digest, agreed, file }: Wish, grants: readonly string[]): Filling => ({
  identifier,
  grants,
  ...(digest && { digest }),
  ...(agreed && { agreed }),
  ...(file !== undefined && { file }),
});

/**
 * The application itself: what comes has the grants, the streams and the limits of this run; `migrate` is what the loop.toml
 * here names for its state. Faults: those of fetching, verifying and linking; LK0402 where it is no such application.
 */
export const arriveApplication = async (
  linking: Linking,
  migrate: string | undefined,
  { identifier }: Wish,
  instead: LinkedPlan | undefined,
  phases: Phases,
  requireFit: RequireFit,
): Promise<Arrival> => {
  const { component } = await loadComponent(identifier, linking, linking.decisions());
  phases.enter("compare");
  requireFit(component, decoded(component).world);
  phases.enter("link");
  const plan = await planApplication(component, arriving(linking), comingLimits);
  return {
    plan,
    lacks: (grants) => {
      const before = instead?.ungranted(grants) ?? [];
      return plan.ungranted(grants).filter((name) => !before.includes(name));
    },
    migrate: migrating(migrate, linking),
    contextOf: (caller) => ({ ...caller, component: { identifier, digest: component.digest } }),
  };
};

const migration = "loop:core/migration@0.1.0";

/** A migration is a component without a grant, made for one state and dropped after it. */
const migrating = (identifier: string | undefined, linking: Linking): Migrate | undefined => {
  if (identifier === undefined) return undefined;
  return async ({ version, bytes }) => {
    const { component } = await loadComponent(identifier, linking);
    const { providers, linker } = linking;
    const plan = await link(component, { providers, linker, limits: comingLimits });
    const context: InstanceContext = {
      component: { identifier, digest: component.digest },
      args: [],
      grants: noGrants,
      stdio: linking.stdio,
      onDrop: () => {},
    };
    const instance = await plan.instantiate(succeeding(context, undefined));
    try {
      const args = [{ version, bytes }];
      return (await instance.callWithin(limits.swapCallMsMax, migration, "migrate", args)) as Saved;
    } finally {
      instance.drop();
    }
  };
};
