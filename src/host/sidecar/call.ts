import { declared, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { camel, type Func, type Interface, pascal, type ResourceType } from "../../contract/model.ts";
import { ownResources } from "../../contract/outline.ts";
import { decode, type ObjectOf } from "../../contract/wrpc/decode.ts";
import { encode, WireError } from "../../contract/wrpc/encode.ts";
import { errOf, goneError } from "../denied.ts";
import { SidecarFailure } from "./conversation.ts";
import { isGone, letGo, type Make, resourceKey, Stale } from "./handle.ts";
import type { Sidecar } from "./sidecar.ts";

// What a sidecar serves, in the JS mapping: each call's values as bytes and back, and each way to fail as its caller
// can take it.

type Callable = (...args: unknown[]) => unknown;
type Class = Callable & { readonly prototype: Record<PropertyKey, unknown> };

export interface Serving {
  readonly identifier: string;
  readonly sidecar: Sidecar;
  /** Milliseconds of a call. */
  readonly timeoutMs: number;
}

/** The implementations of interfaces, by their names. Resources are classes, whose objects belong to one process each. */
export const exportsOf = (contracts: readonly Interface[], serving: Serving) => {
  const classes = new Map<string, Class>();
  const make: Make = (resource) => Object.create(classes.get(resourceKey(resource))!.prototype) as object;
  const exports = contracts.map((contract) => [contract.name, exported(contract, classes, make, serving)]);
  return Object.fromEntries(exports) as Readonly<Record<string, unknown>>;
};

const exported = (
  contract: Interface,
  classes: Map<string, Class>,
  make: Make,
  serving: Serving,
): Record<string, unknown> => {
  const made: Record<string, unknown> = {};
  const callOf =
    (func: Func): Callable =>
    (...args) =>
      call(contract.name, func, args, make, serving);
  for (const resource of resourcesOf(contract)) {
    const construct = contract.funcs.get(`[constructor]${resource.name}`);
    const one = classOf(resource.name, construct && callOf(construct));
    classes.set(resourceKey(resource), one);
    made[pascal(resource.name)] = one;
  }
  for (const func of contract.funcs.values()) {
    const { role } = func;
    const called = callOf(func);
    if (role.role === "free") made[camel(func.name)] = called;
    if (role.role === "free" || role.role === "constructor") continue;
    const owner = made[pascal(role.resource)] as Class & Record<string, unknown>;
    if (role.role === "static") owner[camel(role.member)] = called;
    else
      owner.prototype[camel(role.member)] = function (this: object, ...args: unknown[]) {
        return called(this, ...args);
      };
  }
  return made;
};

/** The resources that an interface defines itself. */
export const resourcesOf = (contract: Interface): readonly ResourceType[] =>
  ownResources(contract).map((name) => {
    const type = contract.types.get(name);
    if (type?.kind !== "resource") throw new TypeError(`${name} of ${contract.name} is no resource`);
    return type.resource;
  });

const classOf = (name: string, construct: Callable | undefined): Class => {
  // What it answers is a promise of the object, which whoever links waits for as for every call.
  function Resource(...args: unknown[]) {
    if (!construct) throw new TypeError(`Resource ${name} has no constructor`);
    return construct(...args);
  }
  const made = Resource as unknown as Class;
  made.prototype[Symbol.dispose] = function (this: object) {
    letGo(this);
  };
  return made;
};

/** How interfaces say that who serves them is not there, the first that one has a case for. */
const failureCases = ["unavailable", "gone", "closed", "timeout", "internal-error", "io", "other"];

const call = async (
  contract: string,
  func: Func,
  args: readonly unknown[],
  make: Make,
  { identifier, sidecar, timeoutMs }: Serving,
): Promise<unknown> => {
  const types = func.params.map(({ type }) => type);
  try {
    // A new process would be started for nothing.
    if (func.role.role === "method" && isGone(args[0])) throw new Stale("what a process made that has ended");
    const value = await sidecar.call({
      contract,
      func: func.name,
      ms: timeoutMs,
      make,
      write: (handleOf) => encode(args, types, limits.sidecarFrameBytesMax, handleOf),
      read: (bytes, objectOf) => resultOf(func, bytes, objectOf),
    });
    return answered(func, value);
  } catch (error) {
    if (error instanceof Stale)
      throw goneError(func, `called ${func.name} of ${identifier} and gave it ${error.message}`);
    if (error instanceof WireError)
      throw fault("LK0204", `A call of ${func.name} in ${identifier}: ${error.message}`);
    if (!(error instanceof SidecarFailure)) throw error;
    const failed = sidecar.failed(error);
    const payload = errOf(func, failureCases, failed.message);
    throw payload === undefined ? (textOf(func, failed.message) ?? failed) : declared(payload);
  }
};

/** What it answered is its own fault, where it is none: the process goes on, since the frame around it was right. */
const resultOf = ({ name, result }: Func, bytes: Uint8Array, objectOf: ObjectOf): unknown => {
  try {
    return decode(bytes, result ? [result] : [], objectOf)[0];
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
