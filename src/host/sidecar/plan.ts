import { declared, Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { camel, type Func, type Interface, type Type, type World } from "../../contract/model.ts";
import { decode } from "../../contract/wrpc/decode.ts";
import { cannotCross, encode, WireError } from "../../contract/wrpc/encode.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { errOf } from "../denied.ts";
import { Instance } from "../instance.ts";
import type { LinkedPlan } from "../plan.ts";
import type { InstanceContext } from "../provider.ts";
import { SidecarFailure, type Start } from "./conversation.ts";
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
    world: worldOf(contracts),
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
        worldOf(served),
        { ...outer, limits: limited },
        () => sidecar.restarts,
      );
      serving.set(instance.context, { sidecar, options });
      instance.context.onDrop(() => sidecar.end());
      await instance.begin(async () =>
        Object.fromEntries(served.map((one) => [one.name, exportsOf(one, sidecar, options)])),
      );
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

const worldOf = (interfaces: readonly Interface[]): World => ({
  name: undefined,
  imports: new Map(),
  exports: new Map(interfaces.map((one) => [one.name, { kind: "interface", interface: one }] as const)),
});

const requireSayable = ({ program: { identifier }, slot }: SidecarPlanOptions, contract: Interface): void => {
  for (const func of contract.funcs.values()) {
    const types = [...func.params.map(({ type }) => type), func.result];
    const why = func.role.role === "free" ? types.map(cannotCross).find(Boolean) : func.role.resource;
    if (why !== undefined)
      throw fault(
        "LK0402",
        `${func.name} of ${contract.name} is about ${why}, which means nothing in another process, so ${identifier} cannot fill ${slot}`,
        { hint: `fill ${slot} with a component` },
      );
  }
};

const exportsOf = ({ name, funcs }: Interface, sidecar: Sidecar, options: SidecarPlanOptions) =>
  Object.fromEntries(
    [...funcs.values()].map((func) => [
      camel(func.name),
      (...args: unknown[]) => call(name, func, args, sidecar, options),
    ]),
  );

/** How interfaces say that who serves them is not there, the first that one has a case for. */
const failureCases = ["unavailable", "gone", "closed", "timeout", "internal-error", "io", "other"];

const call = async (
  contract: string,
  func: Func,
  args: readonly unknown[],
  sidecar: Sidecar,
  { program: { identifier }, timeoutMs = limits.sidecarCallMsMax }: SidecarPlanOptions,
): Promise<unknown> => {
  try {
    const types = func.params.map(({ type }) => type);
    const params = encode(args, types, limits.sidecarFrameBytesMax);
    const bytes = await sidecar.call(contract, func.name, params, timeoutMs);
    return answered(func, resultOf(func, bytes));
  } catch (error) {
    if (error instanceof WireError)
      throw fault("LK0204", `A call of ${func.name} in ${identifier}: ${error.message}`);
    if (!(error instanceof SidecarFailure)) throw error;
    const failed = sidecar.failed(error);
    const payload = errOf(func, failureCases, failed.message);
    throw payload === undefined ? (textOf(func, failed.message) ?? failed) : declared(payload);
  }
};

/** What it answered is its own fault, where it is none: the process goes on, since the frame around it was right. */
const resultOf = ({ name, result }: Func, bytes: Uint8Array): unknown => {
  try {
    return decode(bytes, result ? [result] : [])[0];
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new SidecarFailure(`answered ${name} with what is no such result: ${error.message}`);
  }
};

/** A result's err is thrown, in the JS mapping. */
const answered = ({ result }: Func, value: unknown): unknown => {
  if (result?.kind !== "result") return value;
  const { tag, val } = value as { readonly tag: "ok" | "err"; readonly val?: unknown };
  if (tag === "err") throw declared(val);
  return val;
};

const textOf = ({ result }: Func, message: string) =>
  result?.kind === "result" && result.err?.kind === "string" ? declared(message) : undefined;

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
