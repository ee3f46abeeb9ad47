import { Fault, fault } from "../base/fault.ts";
import { plain } from "../base/plain.ts";
import { printMs } from "../base/quantity.ts";
import { type Interface, unversioned, type World } from "../contract/model.ts";
import type { InstanceLimits } from "../host/budget.ts";
import { causeText } from "../host/crossing.ts";
import { decoded } from "../host/decoded.ts";
import { type FilledSlot, fillingProvider } from "../host/filling.ts";
import { hasState } from "../host/handover.ts";
import type { LinkerName } from "../host/linkers.ts";
import { load } from "../host/load.ts";
import { comingLimits, type Places, type Swaps } from "../host/places.ts";
import { type LinkedPlan, link } from "../host/plan.ts";
import type { InstanceContext, Provider, Stdio } from "../host/provider.ts";
import { configProvider } from "../providers/slots/index.ts";
import type { Resolver } from "../resolve/resolver.ts";
import type { Config, Filling } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import type { Slots } from "../slots/registry.ts";
import { Decisions } from "../trust/decisions.ts";
import type { Grants } from "../trust/grants.ts";
import { grantHint } from "../trust/report.ts";
import { settleTexts } from "../trust/settle.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { type Denial, grantText } from "../trust/written.ts";
import type { Ask } from "./ask.ts";
import { servedBySlots } from "./capabilities.ts";
import { type Chosen, grantFlags, requireConsent } from "./consent.ts";
import { slotContracts } from "./contracts.ts";
import { judgeFor } from "./judge.ts";
import { coveredBy } from "./servers.ts";

/** What linking needs of the program; one for the whole of it. */
export interface Linking {
  readonly folder: string;
  /** Fetches what identifiers name. */
  readonly resolver: Resolver;
  readonly stdio: Stdio;
  readonly providers: readonly Provider[];
  /** The slots of the folder: an application's own serve the imports of its components. */
  readonly slots: () => Slots;
  /** Asks the person at the terminal; undefined where none is there. */
  readonly ask?: Ask | undefined;
  /** Whether what the loop.toml at a path grants counts. */
  readonly agrees: (path: string) => Promise<boolean>;
  /** The slots that choose who serves a capability; undefined where none is heard (--builtin). */
  readonly choosing: Slots | undefined;
  /** What the person decided about components. */
  readonly decisions: () => Decisions;
  /** Where fillings stand that can be swapped while they serve. */
  readonly places: Places;
  /** Whether what is linked is to be stopped at any instruction, as what comes into a place is. */
  readonly stoppable?: boolean;
  /** Forces a linker on everything that is linked. */
  readonly linker?: LinkerName | undefined;
}

/** As it is for what comes into a place. */
export const arriving = (linking: Linking, providers?: readonly Provider[]): Linking =>
  changed(linking, { stoppable: true, ...(providers && { providers }) });

/** The program itself cannot be spread: it is more than its own fields. */
const changed = (linking: Linking, changes: Partial<Linking>): Linking => ({
  folder: linking.folder,
  resolver: linking.resolver,
  stdio: linking.stdio,
  providers: linking.providers,
  slots: () => linking.slots(),
  ask: linking.ask,
  agrees: (path) => linking.agrees(path),
  choosing: linking.choosing,
  decisions: () => linking.decisions(),
  places: linking.places,
  ...(linking.stoppable && { stoppable: true }),
  linker: linking.linker,
  ...changes,
});

/** Fillings of fillings, and so on: a ring of slots would never end. */
const depthMax = 8;

export const loadComponent = (
  identifier: string,
  { resolver }: Pick<Linking, "resolver">,
  decisions = new Decisions(),
) => load(identifier, resolver, judgeFor(resolver.folder, decisions));

/** A plan for a component that a person runs. */
export const planRun = async (
  identifier: string,
  linking: Linking,
  limits: InstanceLimits = {},
): Promise<LinkedPlan> => {
  // What is run may need what a loop.toml says: one that does not read is said before anything else.
  linking.slots();
  const { component } = await loadComponent(identifier, linking, linking.decisions());
  return planApplication(component, linking, limits);
};

/** A plan for a component that is run, with what its slots and its capabilities' slots are filled with. */
export const planApplication = (
  component: VerifiedComponent,
  linking: Linking,
  limits: InstanceLimits = {},
): Promise<LinkedPlan> =>
  named(component, async () =>
    link(component, {
      providers: [
        ...(await capabilities(component, linking)),
        ...(await applicationProviders(component, linking, 0)),
      ],
      linker: linking.linker,
      limits: { ...limits, ...stoppableWithState(component) },
      grantHint: (name) => grantHint(component.identifier, name),
    }),
  );

/** The host's providers, and the components that stand before them in `provider:` slots. */
const capabilities = (component: VerifiedComponent, linking: Linking): Promise<readonly Provider[]> =>
  servedBySlots({
    world: decoded(component).world,
    slots: linking.choosing,
    providers: linking.providers,
    plan: async (decision, filling, providers) => {
      if (isSidecar(filling.identifier))
        return planProgram(capabilityContracts(component, decision), decision, filling, linking);
      const { component: own } = await loadComponent(filling.identifier, linking);
      // What serves a capability is served by the host: two of them that ask each other would never end.
      return planFilling(own, decision, filling, changed(linking, { providers }), depthMax);
    },
    contextOf: (decision, filling, plan, caller) =>
      contextOf(new Map([[plan, filling]]), decision)(plan, caller),
    swapsOf: (decision, fillingOf, providers) =>
      swapsOf(decision, fillingOf, linking, capabilityContracts(component, decision), (component, next) =>
        planFilling(component, decision, next, arriving(linking, providers), depthMax),
      ),
  });

/** What a component imports of a capability that is a slot. */
const capabilityContracts = (component: VerifiedComponent, { slot }: Decision): readonly Interface[] =>
  interfacesOf(decoded(component).world.imports, coveredBy(slot.name));

const interfacesOf = (externs: World["imports"], covers: (name: string) => boolean): readonly Interface[] =>
  [...externs].flatMap(([name, extern]) =>
    extern.kind === "interface" && covers(name) ? [extern.interface] : [],
  );

/** Programs are `sidecar:PATH`; what starts them is loaded where there is one. */
export const isSidecar = (identifier: string): boolean => identifier.startsWith("sidecar:");

export const planProgram = async (
  contracts: readonly Interface[],
  decision: SlotChoice,
  filling: Filling,
  linking: Linking,
): Promise<LinkedPlan> =>
  (await import("./sidecars.ts")).planSidecarFilling(contracts, decision, filling, linking);

/** How the filling of a slot is swapped; loaded when that happens, which in most runs it does not. */
const swapsOf = (
  decision: Decision,
  fillingOf: (plan: LinkedPlan) => Filling,
  linking: Linking,
  contracts: readonly Interface[],
  plan: (component: VerifiedComponent, filling: Filling) => Promise<LinkedPlan>,
): Swaps => ({
  places: linking.places,
  arrive: async (...arrival) => {
    const { arrive } = await import("./swaps.ts");
    const context = (made: LinkedPlan, next: Filling, caller: InstanceContext) =>
      contextOf(new Map([[made, next]]), decision)(made, caller);
    return arrive({ decision, fillingOf, linking, contracts, plan, contextOf: context }, ...arrival);
  },
});

/** A fault in a component's own bytes or imports says whose they are. */
const named = async <T>({ identifier }: VerifiedComponent, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault && !error.causes.some(({ component }) => component === identifier))
      error.within({ component: identifier, phase: "link", message: "Making it ready to run" });
    throw error;
  }
};

/** Of a decision, what matters to one of its fillings. */
export interface SlotChoice {
  readonly slot: Chosen["slot"];
  readonly source: Decision["source"];
  readonly config: Config;
  readonly timeoutMs?: number | undefined;
}

/** A plan for a component that fills a slot. */
export const planFilling = async (
  component: VerifiedComponent,
  decision: SlotChoice,
  filling: Filling,
  linking: Linking,
  depth = 0,
): Promise<LinkedPlan> =>
  named(component, async () => {
    await requireConsent(component, decision, filling, linking.ask, linking.agrees);
    // A folder that is not there is said before anything of the filling runs.
    grantsOf(filling);
    return link(component, {
      providers: [
        ...linking.providers,
        configProvider(decision.config),
        ...(await applicationProviders(component, linking, depth)),
      ],
      limits: {
        ...limitsOf(decision),
        ...stoppableWithState(component),
        ...(linking.stoppable && comingLimits),
      },
      linker: linking.linker,
      grantHint: (name) => fillingHint([unversioned(name)], decision, filling),
    });
  });

/** A swap asks it for its state: that is stopped where it never ends, and undone where it fails. */
const stoppableWithState = (component: VerifiedComponent): InstanceLimits =>
  hasState(decoded(component).world) ? { stoppable: true } : {};

/** What the slot allows a filling. */
const limitsOf = ({ slot, timeoutMs }: SlotChoice): InstanceLimits => ({
  ...(timeoutMs !== undefined && {
    callMsMax: timeoutMs,
    hints: { time: `in [slots."${slot.name}"] of loop.toml: timeout = "${printMs(timeoutMs * 2)}"` },
  }),
});

/** Exactly what grants these texts to the filling of a slot, with what it has already. */
export const fillingHint = (
  more: readonly string[],
  { slot, source }: SlotChoice,
  { identifier, grants }: Filling,
): string => {
  const all = [...new Set([...grants, ...more])];
  if (source === "workspace")
    return `in [slots."${slot.name}"] of loop.toml: grants = ${JSON.stringify(all)}`;
  return `loop slot set ${slot.name} ${identifier} ${grantFlags(all)}`;
};

/** Providers for those imports of a component that the application's own slots serve. */
const applicationProviders = async (
  component: VerifiedComponent,
  linking: Linking,
  depth: number,
): Promise<Provider[]> => {
  const offered = new Set(linking.providers.flatMap((provider) => provider.interfaces.map(unversioned)));
  const open = interfacesOf(
    decoded(component).world.imports,
    (name) => !offered.has(unversioned(name)) && !name.startsWith("wasi:"),
  );
  const providers: Provider[] = [];
  for (const [name, contracts] of slotContracts(open, (wanted) => linking.slots().serving(wanted)?.name))
    providers.push(await slotProvider(linking.slots().use(name), contracts, linking, depth));
  return providers;
};

const slotProvider = async (
  decision: Decision,
  contracts: readonly Interface[],
  linking: Linking,
  depth: number,
): Promise<Provider> => {
  const { slot, fillings } = decision;
  if (depth >= depthMax)
    throw fault(
      "LK0303",
      `The slot ${slot.name} is filled ${depthMax} fillings deep; do they need each other?`,
      {
        hint: `loop slot show ${slot.name}`,
      },
    );
  const plans = new Map<LinkedPlan, Filling>();
  for (const filling of fillings) {
    try {
      plans.set(await planAny(contracts, decision, filling, linking, depth + 1), filling);
    } catch (error) {
      throw ofFilling(error, slot.name, filling);
    }
  }
  return fillingProvider({
    slot: slot.name,
    contract: slot.contract,
    uses: contracts.slice(1).map(({ name }) => name),
    imported: contracts,
    combination: slot.combination,
    fillings: [...plans.keys()],
    contextOf: contextOf(plans, decision),
    onStopped: (fault) => void linking.stdio.stderr.write(encoder.encode(stoppedText(fault))),
    swaps: swapsOf(
      decision,
      (plan) => plans.get(plan)!,
      linking,
      contracts,
      (component, next) => planFilling(component, decision, next, arriving(linking), depth + 1),
    ),
  });
};

const planAny = async (
  contracts: readonly Interface[],
  decision: Decision,
  filling: Filling,
  linking: Linking,
  depth: number,
): Promise<LinkedPlan> => {
  if (isSidecar(filling.identifier)) return planProgram(contracts, decision, filling, linking);
  const { component } = await loadComponent(filling.identifier, linking);
  return planFilling(component, decision, filling, linking, depth);
};

/** Whoever runs an application may not know of its slots: what is wrong with a filling names its own. */
const ofFilling = (error: unknown, slot: string, { identifier }: Filling): unknown => {
  if (!(error instanceof Fault) || error.causes.some((cause) => cause.slot !== undefined)) return error;
  return new Fault(error.code, error.message, {
    hint: error.hint ?? `loop slot explain ${slot}`,
    causes: [
      ...error.causes,
      { slot, component: identifier, phase: "fill", message: "Loading what fills it" },
    ],
    cause: error,
  });
};

const encoder = new TextEncoder();

/** A filling that was left out while the application goes on: a warning, with the layers that the fault crossed. */
const stoppedText = ({ code, message, causes, hint }: Fault): string =>
  [`warning[${code}]: ${message}`, ...causes.map((cause) => `  ${causeText(cause)}`), hint && `hint: ${hint}`]
    .filter(Boolean)
    .map((line) => `${plain(line as string)}\n`)
    .join("");

/** What the filling of a slot may do. Faults: LK0702. */
export const grantsOf = ({ grants }: Filling): Grants => settleTexts(grants, process.env);

/** What was refused to the filling of a slot, as whoever runs it is told: one command grants all of it. */
export const slotDenials = (
  denials: readonly Denial[],
  decision: SlotChoice,
  filling: Filling,
): readonly Denial[] => {
  const wanted = denials.flatMap(({ grant }) => (grant ? [grantText(grant)] : []));
  const whole = wanted.length > 0 ? fillingHint(wanted, decision, filling) : undefined;
  return denials.map(({ wanted, grant, hint, mild }) => {
    const help = grant ? whole : hint;
    return {
      wanted: `${wanted}, wanted by ${filling.identifier} in ${decision.slot.name}`,
      grant: undefined,
      ...(help !== undefined && { hint: help }),
      ...(mild && { mild }),
    };
  });
};

/** A filling has grants of its own, not those of its caller; it speaks through its caller's streams. */
const contextOf =
  (plans: ReadonlyMap<LinkedPlan, Filling>, decision: SlotChoice): FilledSlot["contextOf"] =>
  (plan, caller) => ({
    ...speaking(plan.component.identifier, caller),
    component: { identifier: plan.component.identifier, digest: plan.component.digest },
    args: [],
    grants: grantsOf(plans.get(plan)!),
    onDenied: (denial) => {
      for (const told of slotDenials([denial], decision, plans.get(plan)!)) caller.onDenied?.(told);
    },
    ...(caller.audit && { audit: caller.audit }),
    ...(caller.chance && { chance: caller.chance }),
    onDrop: () => {},
  });

/** Where components are told apart it has a voice of its own, which counts as its caller's output all the same. */
const speaking = (
  identifier: string,
  { stdio, voiceOf, budget }: InstanceContext,
): Pick<InstanceContext, "stdio" | "log" | "voiceOf"> => {
  const voice = voiceOf?.(identifier);
  if (!voice) return { stdio };
  const [stdout, stderr] = [voice.stdout, voice.stderr].map((sink) => budget?.capped(sink) ?? sink);
  return {
    stdio: { stdin: stdio.stdin, stdout: stdout!, stderr: stderr! },
    log: voice.log,
    ...(voiceOf && { voiceOf }),
  };
};
