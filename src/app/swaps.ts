import { limits } from "../base/limits.ts";
import { decoded } from "../host/decoded.ts";
import type { Migrate, Saved } from "../host/handover.ts";
import type { RequireFit } from "../host/live.ts";
import type { Phases } from "../host/phases.ts";
import { type Arrival, succeeding, type Wish } from "../host/places.ts";
import { type LinkedPlan, link } from "../host/plan.ts";
import type { InstanceContext } from "../host/provider.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import { noGrants } from "../trust/grants.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { grantsOf, type Linking, loadComponent, planApplication } from "./link.ts";

// What comes into a place while it is used: by the same path that what stands there came, phase by phase.

export interface Arriving {
  readonly decision: Decision;
  /** What stood in the place at first; what follows has its grants unless a wish says others. */
  readonly filling: Filling;
  readonly linking: Linking;
  plan(component: VerifiedComponent, filling: Filling): Promise<LinkedPlan>;
  contextOf(plan: LinkedPlan, filling: Filling, caller: InstanceContext): InstanceContext;
}

/** The filling that each plan was linked for, after the first. */
const fillings = new WeakMap<LinkedPlan, Filling>();

/** Faults: those of fetching, verifying, consenting and linking; LK0402 where it does not fit. */
export const arrive = async (
  { decision, filling, linking, plan, contextOf }: Arriving,
  { identifier, grants }: Wish,
  instead: LinkedPlan,
  phases: Phases,
  requireFit: RequireFit,
): Promise<Arrival> => {
  const before = fillings.get(instead) ?? filling;
  const { component } = await loadComponent(identifier, linking);
  phases.enter("compare");
  requireFit(component, decoded(component).world);
  phases.enter("link");
  const next: Filling = { ...before, identifier, ...(grants && { grants, digest: component.digest }) };
  const made = await plan(component, next);
  fillings.set(made, next);
  const lackedBefore = instead.ungranted(grantsOf(before));
  return {
    plan: made,
    lacks: (grants) => made.ungranted(grants).filter((name) => !lackedBefore.includes(name)),
    migrate: decision.migrate === undefined ? undefined : migrating(decision.migrate, linking),
    contextOf: (caller) => contextOf(made, next, caller),
  };
};

/**
 * The application itself: what comes has the grants, the streams and the limits of this run. Faults: those of fetching,
 * verifying and linking; LK0402 where it is no such application.
 */
export const arriveApplication = async (
  linking: Linking,
  { identifier }: Wish,
  instead: LinkedPlan,
  phases: Phases,
  requireFit: RequireFit,
): Promise<Arrival> => {
  const { component } = await loadComponent(identifier, linking, linking.decisions());
  phases.enter("compare");
  requireFit(component, decoded(component).world);
  phases.enter("link");
  const plan = await planApplication(component, linking);
  return {
    plan,
    lacks: (grants) => {
      const before = instead.ungranted(grants);
      return plan.ungranted(grants).filter((name) => !before.includes(name));
    },
    contextOf: (caller) => ({ ...caller, component: { identifier, digest: component.digest } }),
  };
};

const migration = "loop:core/migration@0.1.0";

/** A migration is a component without a grant, made for one state and dropped after it. */
const migrating =
  (identifier: string, linking: Linking): Migrate =>
  async ({ version, bytes }) => {
    const { component } = await loadComponent(identifier, linking);
    const plan = await link(component, { providers: linking.providers, linker: linking.linker });
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
